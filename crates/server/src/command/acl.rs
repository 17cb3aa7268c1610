//! `ACL`: who may do what. There is one user, `default`, who may do everything once authenticated.

use super::{Done, refusal, shown};
use scrubjay_command::{Args, Reject, Reply, docs, index};

pub(super) fn who_am_i(reply: &mut dyn Reply) -> Done {
    reply.text("default");
    Ok(())
}

pub(super) fn users(reply: &mut dyn Reply) -> Done {
    reply.array(1);
    reply.text("default");
    Ok(())
}

pub(super) fn cat(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let names: Vec<String> = match args.len() {
        2 => docs::CATEGORIES.iter().map(|category| category[1..].to_owned()).collect(),
        3 => {
            let wanted = args.at(2).to_ascii_lowercase();
            let category = docs::CATEGORIES.iter().find(|category| category.as_bytes()[1..] == *wanted);
            let category = category.ok_or_else(|| refusal(format_args!("Unknown category '{}'", shown(args.at(2)))))?;
            let of_category = |row: &scrubjay_command::Row| docs::categories(row).any(|other| other == *category);
            index::all_rows().filter(|(row, _)| of_category(row)).map(|(row, _)| row.full_name()).collect()
        }
        _ => return Err(Reject::SYNTAX),
    };
    reply.array(names.len());
    names.iter().for_each(|name| reply.text(name));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};

    #[test]
    fn categories_come_from_the_table() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        assert!(run(&shared, &mut client, "acl cat").contains("dangerous"));
        assert!(run(&shared, &mut client, "acl cat CONNECTION").contains("client|id"));
        assert_eq!(run(&shared, &mut client, "acl cat x"), "(error) ERR Unknown category 'x'");
    }
}
