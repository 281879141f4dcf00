use super::*;

fn pairs(trial: &mut Trial<'_>, class: &Class, pairs: &[(&str, &str)]) {
    for (recorded, now) in pairs {
        trial.unify(class, recorded, now).unwrap();
    }
}

#[test]
fn one_to_one_both_ways() {
    let (base, rules) = (Renaming::default(), Rules::new("create", "laptop"));
    let mut trial = Trial::new(&base, &rules);
    let vpc = Class::Cloud("vpc".to_owned());
    trial.unify(&vpc, "vpc-a", "vpc-1").unwrap();
    trial.unify(&vpc, "vpc-a", "vpc-1").unwrap();
    let conflict = trial.unify(&vpc, "vpc-a", "vpc-2").unwrap_err();
    assert_eq!(conflict.expected_now.unwrap().now, "vpc-1");
    assert_eq!(conflict.actual_is, None);
    let conflict = trial.unify(&vpc, "vpc-b", "vpc-1").unwrap_err();
    assert_eq!(conflict.actual_is, Some(("vpc-a".to_owned(), "create".to_owned())));
}

#[test]
fn what_is_taken_back_is_free_again() {
    let (base, rules) = (Renaming::default(), Rules::new("b", "laptop"));
    let mut trial = Trial::new(&base, &rules);
    pairs(&mut trial, &Class::Account, &[("1", "a")]);
    let mark = trial.mark();
    pairs(&mut trial, &Class::Account, &[("2", "b"), ("3", "c")]);
    trial.rollback(mark);
    pairs(&mut trial, &Class::Account, &[("1", "a"), ("2", "c"), ("3", "b")]);
}

#[test]
fn each_scope_ends_where_it_should() {
    let mut renaming = Renaming::default();
    let first = Rules { boot: 0, ..Rules::new("b", "web") };
    let mut trial = Trial::new(&renaming, &first);
    pairs(&mut trial, &Class::Account, &[("1", "a")]);
    pairs(&mut trial, &Class::Process, &[("100", "200")]);
    pairs(&mut trial, &Class::Port, &[("40000", "50000")]);
    trial.learned().add_to(&mut renaming);

    let same = Trial::new(&renaming, &first);
    assert!(same.now(&Class::Process, "100").is_some() && same.now(&Class::Port, "40000").is_none());
    let rebooted = Rules { boot: 1, ..first.clone() };
    let rebooted = Trial::new(&renaming, &rebooted);
    assert!(rebooted.now(&Class::Account, "1").is_some() && rebooted.now(&Class::Process, "100").is_none());
    let elsewhere = Rules::new("b", "db");
    assert!(Trial::new(&renaming, &elsewhere).now(&Class::Process, "100").is_none());
}

#[test]
fn a_renaming_survives_a_trip_through_json() {
    let mut renaming = Renaming::default();
    let rules = Rules::new("create", "laptop");
    let mut trial = Trial::new(&renaming, &rules);
    pairs(&mut trial, &Class::Cloud("vpc".to_owned()), &[("vpc-a", "vpc-1"), ("vpc-b", "vpc-2")]);
    trial.learned().add_to(&mut renaming);
    let text = serde_json::to_string(&renaming).unwrap();
    assert_eq!(serde_json::from_str::<Renaming>(&text).unwrap(), renaming);
    assert_eq!(renaming.now("vpc-b"), Some("vpc-2"));
}

#[test]
fn texts_are_translated_back_in_every_form_and_stay_aligned() {
    let mut renaming = Renaming::default();
    let rules = Rules::new("b", "laptop");
    let mut trial = Trial::new(&renaming, &rules);
    pairs(&mut trial, &Class::PublicAddress, &[("203.0.113.7", "203.0.113.101")]);
    pairs(&mut trial, &Class::PrivateAddress, &[("10.0.1.57", "10.0.1.8")]);
    pairs(&mut trial, &Class::Region, &[("us-east-1", "ap-northeast-1")]);
    pairs(&mut trial, &Class::Mac, &[("0e:49:61:0f:c3:11", "0a:aa:00:0b:00:05")]);
    trial.learned().add_to(&mut renaming);
    for (now, recorded) in [
        ("ping 203.0.113.101", "ping 203.0.113.7"),
        (
            "ec2-203-0-113-101.ap-northeast-1.compute.amazonaws.com.",
            "ec2-203-0-113-7.compute-1.amazonaws.com.",
        ),
        ("ip-10-0-1-8.ap-northeast-1.compute.internal", "ip-10-0-1-57.ec2.internal"),
        ("101.113.0.203.in-addr.arpa", "7.113.0.203.in-addr.arpa"),
        ("arn:aws:ec2:ap-northeast-1c", "arn:aws:ec2:us-east-1c"),
        ("link/ether 0a:aa:00:0b:00:05", "link/ether 0e:49:61:0f:c3:11"),
        ("inet6 fe80::8aa:ff:fe0b:5/64", "inet6 fe80::c49:61ff:fe0f:c311/64"),
        ("|  203.0.113.101  |  x |\n|  a  |", "|  203.0.113.7    |  x |\n|  a  |"),
        ("|  10.0.1.8   |  x |", "|  10.0.1.57  |  x |"),
        ("unknown 203.0.113.55", "unknown 203.0.113.55"),
    ] {
        assert_eq!(renaming.translate_back(now, &rules), recorded);
    }
}
