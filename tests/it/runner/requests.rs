//! `http`: requests as a browser makes them, and pictures of pages.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Ran, recorded, verifies};
use crate::course::{Course, Region};

/// A server that tells what it was asked; the rest of the lesson is between its start and its end.
const SERVER: &str = r##"# Requests

```perl {#server-program file=server.pl}
use strict; use IO::Socket::INET; $| = 1;
my $listener = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "listen: $!";
$SIG{CHLD} = 'IGNORE';
print "ready\n";
while (1) {
  my $c = $listener->accept or next;
  if (fork) { close $c; next }
  my ($method, $path) = split ' ', scalar <$c>;
  my (@told, %head, $body);
  while (<$c>) {
    s/\r?\n//; last if $_ eq '';
    my ($name, $value) = split /: /, $_, 2;
    $head{lc $name} = $value;
    push @told, "$name: $value" if $name =~ /^(X-.*|Cookie|Content-Type)$/i;
  }
  read $c, $body, $head{'content-length'} if $head{'content-length'};
  my ($status, $type, $answer, $more) = ('200 OK', 'text/plain', join("\n", "$method $path", sort(@told), $body // '') . "\n", '');
  ($status, $answer, $more) = ('302 Found', 'gone there', "Location: /arrived?by=$method\r\nSet-Cookie: step=$path; Path=/\r\n") if $path =~ m{^/go};
  ($type, $answer) = ('text/html', "<html><title>A page</title><body style='background:#0a0'><h1>Hello</h1></body></html>") if $path eq '/page';
  ($status, $answer) = ('404 Not Found', "no such thing\n") if $path eq '/none';
  print $c "HTTP/1.1 $status\r\nServer: tell/1\r\nContent-Type: $type\r\nX-Never: recorded\r\n${more}Connection: close\r\nContent-Length: " . length($answer) . "\r\n\r\n$answer";
  exit;
}
```

```sh {#serve background ready="ready"}
exec perl server.pl
```

```sh {#set}
HERE=127.0.0.1:8080 WORD=blue
```
"##;

const REQUESTS: &str = r#"
```http {#get}
GET http://$HERE/plain
X-Word: $WORD
X-Second: two words
```

```http {#redirected}
GET http://$HERE/go
```

```http {#with-cookie}
GET http://$HERE/again
```

```http {#post}
POST http://$HERE/form
Content-Type: application/x-www-form-urlencoded

name=Ann&color=$WORD
```

```http {#followed follow}
POST http://$HERE/go/1
Content-Type: text/plain

once
```

```http {#missing}
GET http://$HERE/none
```

```http {#head}
HEAD http://$HERE/plain
```

```http {#head-followed follow}
HEAD http://$HERE/go/2
```

```http {#brackets}
GET http://$HERE/plain?a[]=1&b={c,d}
```
"#;

#[test]
fn requests_are_made_and_recorded_as_a_browser_makes_them() {
    let region = Region::new();
    let course = Course::of(&region, "01-ask", &format!("{SERVER}{REQUESTS}"));
    let ran = Ran::recording(&course, "01-ask");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let plain = "HTTP/1.1 200 OK\nServer: tell/1\nContent-Type: text/plain\n";
    assert_eq!(ran.output("get"), format!("{plain}\nGET /plain\nX-Second: two words\nX-Word: blue\n"));
    let found = "HTTP/1.1 302 Found\nServer: tell/1\nContent-Type: text/plain\n";
    assert_eq!(
        ran.output("redirected"),
        format!("{found}Location: /arrived?by=GET\nSet-Cookie: step=/go; Path=/\n\ngone there\n")
    );
    assert_eq!(ran.output("with-cookie"), format!("{plain}\nGET /again\nCookie: step=/go\n"));
    let typed = "Content-Type: application/x-www-form-urlencoded\nCookie: step=/go";
    assert_eq!(ran.output("post"), format!("{plain}\nPOST /form\n{typed}\nname=Ann&color=blue\n"));
    let followed = ran.output("followed");
    assert!(followed.starts_with(found) && followed.contains("Location: /arrived?by=POST\n"), "{followed}");
    assert!(followed.contains("GET /arrived?by=POST\n"), "a redirect is followed with GET: {followed}");
    assert!(followed.contains("Cookie: step=/go/1"), "{followed}");
    assert!(ran.output("missing").starts_with("HTTP/1.1 404 Not Found\n"));
    assert!(ran.output("missing").ends_with("no such thing\n"));
    assert_eq!(ran.output("head"), plain);
    let followed = ran.output("head-followed");
    assert!(followed.starts_with(found) && followed.contains("HTTP/1.1 200 OK"), "{followed}");
    assert!(ran.output("brackets").contains("GET /plain?a[]=1&b={c,d}\n"), "{}", ran.output("brackets"));
    verifies(&course);
}

const PICTURE: &str = "\n```http {#see screenshot}\nGET http://$HERE/page\n```\n";

#[test]
fn a_picture_is_kept_and_without_chromium_the_block_is_skipped() {
    let region = Region::new();
    let course = Course::of(&region, "page", &format!("{SERVER}{PICTURE}"));
    // What is on the path besides the shell is for the lesson's own tools; the region runs already.
    let started = course.lab(&["region", "start"]);
    assert!(started.status.success());
    let bare = tempfile::tempdir().expect("a directory");
    symlink("/bin/bash", bare.path().join("bash")).expect("linked");
    let without = |arguments: &[&str], update: &str| {
        let mut command = course.command(arguments);
        command.args(["--format", "json"]).env("PATH", bare.path()).env("INSTA_UPDATE", update);
        let output = command.output().expect("lab starts");
        let events = crate::blocks::events(&output);
        (output.status.code(), crate::blocks::report(&events, "see").clone())
    };
    let (_, report) = without(&["run", "page", "--lab", "bare", "--record"], "always");
    assert_eq!(report["outcome"], "unrecorded", "{report:#}");
    assert!(recorded(&course, "page__see").contains("A page"), "the answer is recorded without the picture");
    let (code, report) = without(&["verify", "page"], "no");
    assert_eq!(report["outcome"], "skipped", "{report:#}");
    assert!(report["reason"].as_str().is_some_and(|reason| reason.contains("Chromium")), "{report:#}");
    assert_eq!(code, Some(3), "nothing is wrong, but not everything is proven");
    assert!(!pictures(&course).exists());

    // `make setup` installs Chromium for the book; without it this half cannot be shown.
    let ran = Ran::recording(&course, "page");
    assert_eq!(ran.report("see")["outcome"], "passed", "{}", ran.told);
    let picture = fs::read(pictures(&course)).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG\r\n"), "{} bytes", picture.len());
}

fn pictures(course: &Course) -> std::path::PathBuf {
    course.root().join("snapshots/page__see.png")
}
