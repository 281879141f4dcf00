//! Lesson 07: the database, WordPress, and the way out that is taken away again.

use super::change::{Mutation, mutation};

pub const WORDPRESS: &[Mutation] = &[
    // The way out.
    mutation("no gateway", "create-nat-gateway", "\nNAT=$(aws", "\nNAT=$(echo none; : aws")
        .noticed("create-nat-gateway", "exit status")
        .ends(),
    mutation(
        "the gateway in the private subnet",
        "create-nat-gateway",
        "--subnet-id $PUBLIC",
        "--subnet-id $(aws ec2 describe-subnets --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=private \\
  --query 'Subnets[0].SubnetId' --output text)",
    )
    .noticed("show-main-route-table", "subnet-")
    .also(&["fetch"])
    .ends().further(),
    mutation("no address", "create-nat-gateway", "NAT_EIP=$(aws", "NAT_EIP=$(: aws")
        .noticed("create-nat-gateway", "exit status")
        .ends().further(),
    mutation("the route left a blackhole", "replace-route", "aws ec2", ": aws ec2")
        .noticed("show-main-route-table", "blackhole")
        .also(&["fetch"])
        .ends().further(),
    mutation(
        "a route to the internet gateway",
        "replace-route",
        "--nat-gateway-id $NAT",
        "--gateway-id $(aws ec2 describe-internet-gateways --filters Name=attachment.vpc-id,Values=$VPC \\
  --query 'InternetGateways[0].InternetGatewayId' --output text)",
    )
    .noticed("show-main-route-table", "igw-")
    .also(&["fetch"])
    .ends().further(),
    mutation(
        "the database open to the world",
        "replace-route",
        "aws ec2 replace-route",
        "aws ec2 authorize-security-group-ingress --protocol tcp --port 3306 --cidr 0.0.0.0/0 \\
  --group-id $(aws ec2 describe-security-groups --filters Name=vpc-id,Values=$VPC Name=group-name,Values=DB-SG \\
  --query 'SecurityGroups[0].GroupId' --output text) > opened
aws ec2 replace-route",
    )
    .noticed("topology", "0.0.0.0/0"),
    // Passwords.
    mutation("passwords that all may read", "make-passwords", "umask 077", "umask 022")
        .noticed("make-passwords", "644").further(),
    mutation("a shorter password", "make-passwords", "\"$(openssl rand -hex 20)\" > blog", "\"$(openssl rand -hex 4)\" > blog")
        .noticed("make-passwords", "11 bytes").further(),
    mutation("a shorter password", "make-passwords", "\"$(openssl rand -hex 20)\" > db", "\"$(openssl rand -hex 4)\" > db")
        .noticed("make-passwords", "11 bytes").further(),
    mutation("db does not get the password", "make-passwords", "scp -q -p -F ssh-config db-password db:", "")
        .noticed("make-passwords", "exit status 1")
        .ends().further(),
    mutation("web does not get the password", "make-passwords", "scp -q -p -F ssh-config db-password web:", "")
        .noticed("make-passwords", "exit status 1")
        .ends().further(),
    // The database.
    mutation("no list of packages", "install-database", "sudo apt-get update\n", "")
        .noticed("install-database", "exit status 100")
        .ends().further(),
    mutation("MariaDB fetched, not installed", "install-database", "-y install", "-y --download-only install")
        .noticed("show-database-service", "exit status")
        .ends().further(),
    mutation("administrator without sudo", "log-in-as-somebody", "mariadb", "sudo mariadb")
        .noticed("log-in-as-somebody", "exit status 0, expected 1")
        .ends().further(),
    mutation(
        "a user without a name",
        "show-root",
        "-e 'SHOW",
        "-e 'CREATE USER \"\"@localhost; SHOW",
    )
    .noticed("look-for-open-doors", "1")
    .also(&["show-users"]).further(),
    mutation("a test database", "show-root", "-e 'SHOW", "-e 'CREATE DATABASE test; SHOW")
        .noticed("look-for-open-doors", "1").further(),
    mutation("listening on localhost only", "write-database-config", "bind-address = 0.0.0.0\n", "")
        .noticed("configure-database", "127.0.0.1")
        .also(&["knock-again"])
        .ends().further(),
    mutation("files of the client may be read", "write-database-config", "local-infile = 0\n", "")
        .noticed("show-hardening", "0.0.0.0 1 1").further(),
    mutation("names of clients are looked up", "write-database-config", "skip-name-resolve\n", "")
        .noticed("show-hardening", "0.0.0.0 0 0").ends().further(),
    mutation("the configuration not installed", "configure-database", "sudo install", ": install")
        .noticed("configure-database", "127.0.0.1")
        .also(&["knock-again"])
        .ends().further(),
    mutation("the database not restarted", "configure-database", "sudo systemctl restart", ": systemctl restart")
        .noticed("configure-database", "127.0.0.1")
        .also(&["knock-again"])
        .ends().further(),
    mutation(
        "another character set",
        "create-database",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci",
    )
    .noticed("create-database", "DEFAULT CHARACTER SET utf8mb3").further(),
    mutation("another collation", "create-database", "COLLATE utf8mb4_unicode_ci", "COLLATE utf8mb4_bin")
        .noticed("create-database", "COLLATE utf8mb4_bin").further(),
    mutation(
        "a user who may come from db only",
        "create-user",
        "CREATE USER wordpress_user IDENTIFIED",
        "CREATE USER wordpress_user@localhost IDENTIFIED",
    )
    .and("create-user", "TO wordpress_user;", "TO wordpress_user@localhost;")
    .noticed("show-users", "localhost")
    .also(&["connect-to-database", "guess-password"])
    .ends().further(),
    mutation("another password", "create-user", "$(cat db-password)", "another")
        .noticed("connect-to-database", "Access denied")
        .ends().further(),
    mutation("no rights", "create-user", "GRANT ALL ON wordpress_db.* TO wordpress_user;\n", "")
        .noticed("show-users", "wordpress_db")
        .also(&["connect-to-database", "open-installer", "complete-installer"])
        .ends().further(),
    mutation("rights in all databases", "create-user", "ON wordpress_db.*", "ON *.*")
        .noticed("show-users", "wordpress_db")
        .also(&["connect-to-database"]).further(),
    mutation("the right to give rights", "create-user", "TO wordpress_user;", "TO wordpress_user WITH GRANT OPTION;")
        .noticed("show-users", "YES").further(),
    mutation(
        "a database that does not start at boot",
        "leave-a-mark",
        "sudo touch",
        "sudo systemctl --quiet disable mariadb\nsudo touch",
    )
    .noticed("see-database-back", "inactive")
    .ends().further(),
    mutation(
        "a database that is not set to start at boot",
        "show-start-at-boot",
        "systemctl is-enabled",
        "sudo systemctl --quiet disable mariadb\nsystemctl is-enabled",
    )
    .noticed("show-start-at-boot", "disabled")
    .ends().further(),
    mutation("no reboot", "reboot-db", "aws ec2", ": aws ec2").noticed("see-mark-gone", "exit status 0").ends().further(),
    // PHP and WordPress.
    mutation("PHP fetched, not installed", "install-php", "-y install", "-y --download-only install")
        .noticed("show-php", "exit status 127")
        .ends().further(),
    mutation("PHP without a web server", "install-php", "install php php-mysql", "install php-cli php-mysql")
        .noticed("open-installer", "Title")
        .also(&["complete-installer"])
        .ends().further(),
    mutation("PHP without pictures", "install-php", " php-gd", "").noticed("show-php", "gd").further(),
    mutation("PHP without archives", "install-php", " php-zip", "").noticed("show-php", "zip").further(),
    mutation("no client", "install-php", " \\\n  mariadb-client", "")
        .noticed("guess-password", "not found")
        .ends().further(),
    mutation("a login that all may read", "write-login", "umask 077", "umask 022").noticed("write-login", "644").further(),
    mutation("WordPress not unpacked", "unpack-wordpress", "tar xzvf", "tar tzvf")
        .noticed("copy-wordpress", "exit status 1")
        .ends().further(),
    mutation("nothing copied", "copy-wordpress", "sudo cp", ": cp")
        .noticed("copy-wordpress", "exit status 1")
        .ends().further(),
    mutation("files that belong to root", "copy-wordpress", "sudo chown", ": chown")
        .noticed("copy-wordpress", "root:root").ends().further(),
    mutation("the old page left", "copy-wordpress", "sudo rm", ": rm")
        .noticed("open-installer", "Apache2 Debian Default Page")
        .also(&["see-blog", "see-blog-again"]),
    mutation("another database", "fill-in-database", "wordpress_db/", "wordpress/")
        .noticed("show-database-settings", "'wordpress'")
        .also(&["open-installer", "complete-installer"])
        .ends().further(),
    mutation("another user", "fill-in-database", "wordpress_user/", "wordpress/")
        .noticed("show-database-settings", "'wordpress'")
        .also(&["open-installer", "complete-installer"])
        .ends().further(),
    mutation("another password", "fill-in-database", "$(cat db-password)", "another")
        .noticed("open-installer", "500")
        .also(&["complete-installer"])
        .ends(),
    mutation("the database on web itself", "fill-in-database", "'DB_HOST', '10.0.2.10'", "'DB_HOST', 'localhost'")
        .noticed("show-database-settings", "localhost")
        .also(&["open-installer", "complete-installer"])
        .ends(),
    mutation("the character set of the sample", "fill-in-database", "'DB_CHARSET', 'utf8mb4'", "'DB_CHARSET', 'utf8'")
        .noticed("show-database-settings", "'utf8'").further(),
    mutation("no collation", "fill-in-database", "'DB_COLLATE', 'utf8mb4_unicode_ci'", "'DB_COLLATE', ''")
        .noticed("show-database-settings", "''").further(),
    mutation("settings that all may read", "fill-in-database", "chmod 600", ": chmod 600")
        .noticed("show-database-settings", "664").further(),
    mutation("keys of the sample", "make-keys-and-salts", "NONCE}_{KEY,SALT}", "NONCE}_KEY")
        .noticed("count-keys-and-salts", "AUTH_SALT: 3 characters"),
    mutation("one text for all eight", "make-keys-and-salts", "(\n  for", "(\n  RANDOM_TEXT=$(openssl rand -base64 48)\n  for")
        .and("make-keys-and-salts", "|put your unique phrase here|$(openssl rand -base64 48)|", "|put your unique phrase here|$RANDOM_TEXT|")
        .noticed("count-keys-and-salts", "the same as another"),
    mutation("short keys", "make-keys-and-salts", "rand -base64 48", "rand -base64 9")
        .noticed("count-keys-and-salts", "12 characters"),
    mutation("settings that all may read", "make-keys-and-salts", "-m 640", "-m 644")
        .noticed("count-keys-and-salts", "644"),
    mutation("settings that the web server may change", "make-keys-and-salts", "-o root", "-o www-data")
        .noticed("count-keys-and-salts", "www-data:www-data"),
    mutation("settings that are not installed", "make-keys-and-salts", "sudo install", ": install")
        .noticed("count-keys-and-salts", "exit status")
        .ends().further(),
    mutation("Apache stopped", "restart-apache", "systemctl restart", "systemctl stop")
        .noticed("restart-apache", "inactive")
        .ends(),
    mutation("another title", "complete-installer", "weblog_title=はじめての", "weblog_title=")
        .noticed("see-blog", "ブログ")
        .also(&["look-into-tables", "see-blog-again"]),
    mutation("another user of the blog", "complete-installer", "user_name=learner", "user_name=teacher")
        .noticed("log-in-to-blog", "200"),
    mutation("another password of the blog", "complete-installer", "admin_password@blog-password", "admin_password@db-password")
        .and("complete-installer", "admin_password2@blog-password", "admin_password2@db-password")
        .noticed("log-in-to-blog", "200").further(),
    mutation("two passwords", "complete-installer", "admin_password2@blog-password", "admin_password2@db-password")
        .noticed("complete-installer", "ようこそ")
        .ends(),
    // What is taken away.
    mutation("the route left", "delete-nat-gateway", "aws ec2 delete-route", ": aws ec2 delete-route")
        .noticed("show-what-is-left", "blackhole"),
    mutation(
        "the gateway not deleted",
        "delete-nat-gateway",
        "aws ec2 delete-nat-gateway",
        "echo $NAT; : aws ec2 delete-nat-gateway",
    )
    .and("delete-nat-gateway", "aws ec2 wait", ": aws ec2 wait")
    .noticed("release-nat-address", "exit status 254")
    .ends(),
    mutation("the address not released", "release-nat-address", "aws ec2", ": aws ec2")
        .noticed("show-what-is-left", "nat-eip"),
];
