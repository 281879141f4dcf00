//! Names of the model as the command line writes them.

/// `DescribeVpcs` -> `describe-vpcs`, `Ipv6CidrBlock` -> `ipv6-cidr-block`, `EnableDnsHostnames` -> `enable-dns-hostnames`.
pub fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    let plural = plural_of_capitals(&letters);
    for (index, letter) in letters.iter().enumerate() {
        if index > 0 && letter.is_ascii_uppercase() {
            let before = letters[index - 1];
            let starts_word = letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
            let ends_word = before.is_ascii_lowercase() || before.is_ascii_digit();
            match plural {
                // `VpcARNs`: the plural of an abbreviation is one word.
                Some(start) if index > start => {}
                _ if starts_word || ends_word => out.push('-'),
                _ => {}
            }
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Where a name's last word begins, when it is capitals and an `s`.
fn plural_of_capitals(letters: &[char]) -> Option<usize> {
    let (last, rest) = letters.split_last()?;
    let capitals = rest.iter().rev().take_while(|letter| letter.is_ascii_uppercase()).count();
    (*last == 's' && capitals >= 2).then(|| rest.len() - capitals)
}
