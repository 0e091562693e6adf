//! Roles and groups of somebody, as a provider named them at the log-in. Applications decide by them; nothing here does.

/// A bounded list of each. They travel in every token of the session, and a cookie has room for 4096 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    roles: Vec<String>,
    groups: Vec<String>,
}

impl Roles {
    /// Longer names are left out, in bytes.
    pub const MAX_NAME: usize = 128;
    /// All of them together, in bytes with one more for each: those that come after are left out.
    pub const MAX_BYTES: usize = 1024;

    /// Takes them in order, roles first, without those that come twice, are empty or too long, or have control characters;
    /// and as many as there is room for. With how many were left out.
    pub fn of<'a>(
        roles: impl IntoIterator<Item = &'a str>,
        groups: impl IntoIterator<Item = &'a str>,
    ) -> (Self, usize) {
        let (mut all, mut room, mut left_out) = (Self::default(), Self::MAX_BYTES, 0);
        let named = roles.into_iter().map(|name| (true, name)).chain(groups.into_iter().map(|name| (false, name)));
        for (is_role, name) in named {
            let list = if is_role { &mut all.roles } else { &mut all.groups };
            let is_name = (1..=Self::MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
            if list.iter().any(|known| known == name) {
                continue;
            }
            match room.checked_sub(name.len() + 2).filter(|_| is_name) {
                Some(less) => {
                    room = less;
                    list.push(name.to_owned());
                }
                None => left_out += 1,
            }
        }
        (all, left_out)
    }

    /// The roles.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The groups.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// As the store keeps them: one in a line, with a letter before it. Empty when there are none.
    pub fn to_text(&self) -> String {
        let lines = self.roles.iter().map(|name| format!("r{name}"));
        lines.chain(self.groups.iter().map(|name| format!("g{name}"))).collect::<Vec<_>>().join("\n")
    }

    /// Reads what [`Self::to_text`] wrote. `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for line in text.lines() {
            match line.split_at_checked(1)? {
                ("r", name) => all.roles.push(name.to_owned()),
                ("g", name) => all.groups.push(name.to_owned()),
                _ => return None,
            }
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_what_is_no_name_is_left_out() {
        let long = "x".repeat(Roles::MAX_NAME + 1);
        let (all, left_out) = Roles::of(["admin", "admin", "", "a\nb", &long], ["staff", "r\u{e9}gion"]);
        assert_eq!((all.roles(), left_out), (&["admin".to_owned()][..], 3));
        assert_eq!(all.to_text(), "radmin\ngstaff\ngr\u{e9}gion");
        assert_eq!(Roles::from_text(&all.to_text()), Some(all));
        assert_eq!(Roles::from_text(""), Some(Roles::default()));
        assert_eq!(Roles::from_text("xadmin"), None);
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let names: Vec<_> = (0..1000).map(|number| format!("group-{number}")).collect();
        let (all, left_out) = Roles::of([], names.iter().map(String::as_str));
        assert!(all.to_text().len() <= Roles::MAX_BYTES, "{}", all.to_text().len());
        assert_eq!(all.groups().len() + left_out, 1000);
        assert!(all.groups().len() > 80);
    }
}
