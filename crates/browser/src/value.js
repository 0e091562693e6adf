// Resolves to the JSON of what `read` gives; to `gone` when the document is left before, because one in the back/forward
// cache never answers.
read => new Promise((resolve, reject) => {
  const leave = () => resolve('gone');
  addEventListener('pagehide', leave);
  read().then(value => JSON.stringify(value)).finally(() => removeEventListener('pagehide', leave)).then(resolve, reject);
})
