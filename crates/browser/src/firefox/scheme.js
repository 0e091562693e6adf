// Runs in the browser's own window. Sets the colour scheme of a tab, and of each context that a navigation replaces its own by.
(id, scheme) => {
  const { NavigableManager } = ChromeUtils.importESModule('chrome://remote/content/shared/NavigableManager.sys.mjs');
  const tab = NavigableManager.getBrowsingContextById(id).top;
  if (!window.drivenSchemes) {
    window.drivenSchemes = new Map();
    Services.obs.addObserver(context => {
      const known = window.drivenSchemes.get(context.browserId);
      if (known && !context.parent) context.prefersColorSchemeOverride = known;
    }, 'browsing-context-attached');
  }
  window.drivenSchemes.set(tab.browserId, scheme);
  tab.prefersColorSchemeOverride = scheme;
  return 'true';
}
