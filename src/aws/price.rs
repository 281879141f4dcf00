//! What a lesson's resources cost, told before they are made.
//!
//! List prices of us-east-1 as AWS publishes them: t3.micro $0.0104, t2.micro $0.0116 and t3.small $0.0208 an hour,
//! public IPv4 address $0.005 an hour, NAT gateway $0.045 an hour (without data), gp3 volume of 8 GiB $0.64 a month.

/// What is created, and its price an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    pub lines: Vec<BillLine>,
    /// US cents an hour for all of it.
    pub cents_an_hour: f64,
}

/// One kind of resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    pub what: &'static str,
    pub count: usize,
}

/// Words that create something, what that is, and its price in US cents an hour.
const KINDS: [(&str, &str, f64); 8] = [
    ("ec2 create-vpc ", "VPC (free)", 0.0),
    ("ec2 create-subnet ", "subnet (free)", 0.0),
    ("ec2 create-internet-gateway", "internet gateway (free)", 0.0),
    ("ec2 create-route-table ", "route table (free)", 0.0),
    ("ec2 create-security-group ", "security group (free)", 0.0),
    ("ec2 run-instances ", "micro instance with an 8 GiB volume", 1.13),
    ("ec2 allocate-address", "Elastic IP address", 0.5),
    ("ec2 create-nat-gateway ", "NAT gateway", 4.5),
];

/// Counts what scripts create, by their text. An instance with a public address of its own costs that address too.
pub fn estimate<'a>(scripts: impl IntoIterator<Item = &'a str>) -> Bill {
    let mut counts = [0_usize; KINDS.len()];
    let mut addresses = 0;
    for script in scripts {
        for (count, (words, ..)) in counts.iter_mut().zip(KINDS) {
            *count += script.matches(words).count();
        }
        addresses += script.matches("--associate-public-ip-address").count();
    }
    let mut bill = Bill::default();
    for (count, (_, what, cents)) in counts.into_iter().zip(KINDS) {
        if count > 0 {
            bill.lines.push(BillLine { what, count });
            bill.cents_an_hour += cents * count as f64;
        }
    }
    if addresses > 0 {
        bill.lines.push(BillLine { what: "automatic public address", count: addresses });
        bill.cents_an_hour += 0.5 * addresses as f64;
    }
    bill
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_is_counted() {
        let bill = estimate([
            "VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16)\n",
            "aws ec2 run-instances --x\naws ec2 run-instances --y\n",
        ]);
        assert_eq!(bill.lines.len(), 2);
        assert_eq!(bill.lines[1].count, 2);
        assert!((bill.cents_an_hour - 2.26).abs() < 1e-9);
    }
}
