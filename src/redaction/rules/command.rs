//! Passwords that commands take: `curl -u user:password`, `mysql -p...`, `... | sudo -S`; and the lines of
//! `.pgpass` and SQL.

use std::ops::Range;

use super::super::scan::Scan;
use super::super::text::{
    Quote, at, before, has, is_word, line_end, line_start, run_end, run_start, skip_blanks, slice,
};
use super::value::Value;
use super::{Find, Literal, Rule};

/// How far before an option its command is looked for, and how long an argument may be.
const COMMAND: usize = 512;

pub(super) const LOGIN: Rule = Rule {
    id: "login",
    description: "the password of a user:password argument",
    literals: &[" -u", "\"-u", "'-u", "--user", "--proxy-user", " -a ", "chpasswd"],
    find: Find::Code(login),
    hits: &[
        "curl -u ann:hunter2 https://example.com",
        "curl -s -uann:hunter2 https://example.com",
        "curl --user 'ann:correct horse' https://example.com",
        "wget --proxy-user=ann:hunter2 https://example.com",
        "http -a ann:hunter2 https://example.com",
        "echo 'root:hunter2' | chpasswd",
        "smbclient -U ann%hunter2 //host/share",
    ],
    misses: &[
        "curl -u $USER:$PASS https://example.com",
        "docker run -u 1000:1000 img",
        "git push -u origin main",
        "chown -u a:b",
        "curl -u ann https://example.com:80",
    ],
};

pub(super) const OPTION: Rule = Rule {
    id: "option",
    description: "the password that a command takes as a short option or on its input",
    literals: &[" -p", " -a ", " -w ", " -k ", " pass:", "=pass:", " --body ", "password-stdin", "sudo -s"],
    find: Find::Code(option),
    hits: &[
        "mysql -u root -phunter2 app",
        "mysqldump -uroot -p'correct horse' app",
        "sshpass -p hunter2 ssh host",
        "mongosh -u ann -p hunter2 app",
        "docker login -u ann -p hunter2 ghcr.io",
        "redis-cli -a hunter2 ping",
        "openssl rsa -in k.pem -passin pass:hunter2",
        "openssl enc -aes-256-cbc -k hunter2 -in x",
        "unzip -P hunter2 x.zip",
        "gh secret set NAME --body hunter2",
        "docker login -u ann --password-stdin <<< hunter2",
        "echo 'hunter2' | sudo -S ls",
    ],
    misses: &[
        "mkdir -p src/a",
        "mysql -p app",
        "docker run -p 8080:80 img",
        "docker run --name mongo -p 27017:27017 mongo",
        "sshpass -p $PASS ssh host",
        "ps -a x",
        "first pass: 1",
        "cargo test -p hunter2",
        "cat token | docker login --password-stdin",
        "gh pr create --body hunter2",
    ],
};

pub(super) const PGPASS: Rule = Rule {
    id: "pgpass",
    description: "the password of a line of .pgpass",
    literals: &[":5432:", ":*:"],
    find: Find::Code(pgpass),
    hits: &["db.internal:5432:app:ann:hunter2", "*:*:*:postgres:correct-horse"],
    misses: &["host:5432:db", "a:*:b", "postgres:5432:5432"],
};

pub(super) const SQL: Rule = Rule {
    id: "sql-password",
    description: "the password of a user made in SQL",
    literals: &["identified by", "identified with"],
    find: Find::Code(sql),
    hits: &["CREATE USER ann IDENTIFIED BY 'hunter2';", "identified with mysql_native_password by 'hunter2'"],
    misses: &["is identified by its name", "identified by '?'", "it is identified by `name`"],
};

/// A literal without the sign before it.
fn name(bytes: &[u8], literal: Literal) -> &[u8] {
    let text = slice(bytes, literal.start, literal.end);
    match text.split_first() {
        Some((b' ' | b'"' | b'\'' | b'=', name)) => name,
        _ => text,
    }
}

/// Leaves what is at `range` to be replaced if it may be a password at all.
pub(super) fn leave(scan: &mut Scan<'_>, literal: Literal, range: Range<usize>) {
    let text = slice(scan.bytes, range.start, range.end);
    let is_other = text.len() < 3
        || Value::whole(text).is_reference()
        || matches!(at(text, 0), b'$' | b'-' | b'<' | b'{' | b'|' | b'&' | b'(');
    if !is_other {
        scan.secret(literal.rule, range.start, range.end);
    }
}

/// The argument at `from`, in quotes or up to the next blank.
pub(super) fn argument(bytes: &[u8], from: usize) -> Range<usize> {
    let quoted =
        Quote::open(bytes, from).and_then(|(quote, start)| quote.close(bytes, start, COMMAND).map(|end| start..end));
    let is_part =
        |byte: u8| byte > b' ' && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'|' | b';' | b')' | b'<' | b'>');
    quoted.unwrap_or_else(|| from..run_end(slice(bytes, 0, from + COMMAND), from, is_part))
}

/// Whether one of `commands`, a list with commas, is on the line before `at`.
fn is_command(bytes: &[u8], at: usize, commands: &str) -> bool {
    let low = at.saturating_sub(COMMAND);
    let line = line_start(bytes, at, COMMAND).unwrap_or(low);
    // A command goes on over the lines that end with a backslash.
    let start = if slice(bytes, line.saturating_sub(3), line).contains(&b'\\') { low } else { line };
    let before = slice(bytes, start, at);
    let is_start = |found: usize| {
        found == 0 || !is_word(self::at(before, found - 1)) || self::at(before, found.saturating_sub(2)) == b'\\'
    };
    let is_end = |end: usize| matches!(self::at(before, end), 0 | b' ' | b'\t' | b'"' | b'\'' | b',' | b'.');
    commands.split(',').any(|command| {
        memchr::memmem::find_iter(before, command).any(|found| is_start(found) && is_end(found + command.len()))
    })
}

/// `-u user:password`, `-uuser:password`, `--user=user:password`
fn login(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let option = name(bytes, literal);
    let dash = literal.end - option.len();
    let (commands, sign) = match option {
        b"-u" | b"--user" | b"--proxy-user" => ("curl,wget,http,https,xh,lftp,jf,ab", b':'),
        b"-a " => ("http,https,xh", b':'),
        b"-U" => ("smbclient,rpcclient,smbget,net", b'%'),
        b"chpasswd" => return changed(scan, literal),
        _ => return,
    };
    let is_short = literal.end == dash + 2;
    let has_sign = !is_short && at(bytes, literal.end) == b'=';
    let from = skip_blanks(bytes, literal.end + usize::from(has_sign));
    let is_joined = from == literal.end && !is_short && before(bytes, literal.end) != b' ';
    if is_joined || is_word(before(bytes, dash)) || before(bytes, dash) == b'-' {
        return;
    }
    let login = argument(bytes, from);
    let is_name = |byte: u8| is_word(byte) || matches!(byte, b'.' | b'-' | b'@' | b'+');
    let colon = run_end(slice(bytes, 0, login.end), login.start, is_name);
    let name = slice(bytes, login.start, colon);
    let password = slice(bytes, colon + 1, login.end);
    let is_id = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let is_login = at(bytes, colon) == sign && !name.is_empty() && at(password, 0) != b'/';
    if is_login && !(is_id(name) && is_id(password)) && is_command(bytes, literal.start, commands) {
        leave(scan, literal, colon + 1..login.end);
    }
}

/// `echo root:password | chpasswd`
fn changed(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let Some(line) = line_start(bytes, literal.start, COMMAND) else { return };
    let Some(colon) = memchr::memchr(b':', slice(bytes, line, literal.start)).map(|found| line + found) else { return };
    let is_part = |byte: u8| byte > b' ' && !matches!(byte, b'"' | b'\'' | b'|' | b'\\');
    let end = run_end(slice(bytes, 0, literal.start), colon + 1, is_part);
    if is_word(before(bytes, colon)) {
        leave(scan, literal, colon + 1..end);
    }
}

fn option(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let is_glued = !matches!(at(bytes, literal.end), b' ' | b'\t');
    let commands = match name(bytes, literal) {
        b"-p" if is_glued => "mysql,mysqldump,mysqladmin,mariadb,mariadb-dump,mycli,sshpass,7z,7za",
        b"-p" => {
            "sshpass,docker login,podman login,nerdctl login,helm registry login,az login,oc login,snowsql,\
             mongo -u,mongosh,mongodump,mongorestore,twine upload"
        }
        b"-P" => "zip,unzip",
        b"-a " => "redis-cli",
        b"-w " => "ldapsearch,ldapadd,ldapmodify",
        b"-k " => "openssl enc",
        b"--body " => "gh secret set,gh variable set",
        b"pass:" => "openssl,keytool",
        b"password-stdin" | b"sudo -S" => return piped(scan, literal),
        _ => return,
    };
    let argument = argument(bytes, skip_blanks(bytes, literal.end));
    if is_command(bytes, literal.start, commands) {
        leave(scan, literal, argument);
    }
}

/// `sudo -S <<< password`, `echo password | docker login --password-stdin`
fn piped(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let rest = slice(bytes, literal.end, line_end(bytes, literal.end, COMMAND));
    if let Some(here) = memchr::memmem::find(rest, b"<<<") {
        return leave(scan, literal, argument(bytes, skip_blanks(bytes, literal.end + here + 3)));
    }
    let Some(line) = line_start(bytes, literal.start, COMMAND) else { return };
    let lead = slice(bytes, line, literal.start);
    let Some(pipe) = memchr::memrchr(b'|', lead) else { return };
    let Some(echo) = memchr::memmem::rfind(slice(lead, 0, pipe), b"echo ") else { return };
    let mut from = skip_blanks(bytes, line + echo + 5);
    if at(bytes, from) == b'-' {
        from = skip_blanks(bytes, run_end(bytes, from, |byte| byte > b' '));
    }
    let argument = argument(bytes, from);
    if argument.end <= line + pipe {
        leave(scan, literal, argument);
    }
}

/// `host:port:database:user:password`, alone on its line.
fn pgpass(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let is_part = |byte: u8| is_word(byte) || matches!(byte, b'.' | b'-' | b'*');
    if run_start(bytes, literal.start, 128, is_part) == literal.start {
        return;
    }
    let mut from = literal.end;
    for _ in 0..2 {
        let end = run_end(slice(bytes, 0, from + 128), from, is_part);
        if end == from || at(bytes, end) != b':' {
            return;
        }
        from = end + 1;
    }
    leave(scan, literal, from..argument(bytes, from).end);
}

/// `IDENTIFIED BY 'password'`
fn sql(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let most = slice(bytes, 0, literal.end + 64);
    let quote = run_end(most, literal.end, |byte| is_word(byte) || byte == b' ');
    let Some((mark, start)) = Quote::open(bytes, quote).filter(|(mark, _)| !mark.is_back()) else { return };
    let Some(end) = mark.close(bytes, start, COMMAND) else { return };
    let is_text = !slice(bytes, start, end).iter().any(|byte| matches!(byte, b'%' | b'\n'));
    let is_statement = has(bytes, literal.start, b"identified with")
        || is_command(bytes, literal.start, "USER,user,ROLE,role,GRANT,grant,ALL,TO");
    if is_text && is_statement && before(bytes, quote) == b' ' {
        leave(scan, literal, start..end);
    }
}
