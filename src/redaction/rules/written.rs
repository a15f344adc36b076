//! Passwords that are given to something with a telling name: written to a file (`echo ... > ~/.vault_pass`), put down as
//! the default of a variable (Terraform), or stored for a user (`htpasswd -b`).

use super::super::scan::Scan;
use super::super::text::{Quote, at, before, is_word, line_end, line_start, run_end, run_start, skip_blanks, slice};
use super::command::{argument, leave};
use super::{Find, Literal, Rule};

/// How far on its line, or in its block, what belongs together is looked for.
const NEAR: usize = 512;

pub(super) const FILE: Rule = Rule {
    id: "password-file",
    description: "what is written to a file whose name says that it holds a password",
    literals: &[
        "vault_pass",
        "vault-pass",
        "vault-token",
        "password_file",
        "password-file",
        "passwd_file",
        "passwd-s3fs",
        "password.txt",
        "passwords.txt",
        "passwd.txt",
        "pass.txt",
        "secret.txt",
        "secrets.txt",
        "token.txt",
    ],
    find: Find::Code(file),
    hits: &[
        "echo hunter2 > ~/.vault_pass",
        "echo -n 'correct horse' > /run/secrets/db_password.txt",
        "printf hunter2 >> config/vault-password-file",
        "printf '%s' 'hunter2' > .vault_pass.txt",
    ],
    misses: &[
        "echo $VAULT_PASS > ~/.vault_pass",
        "chmod 600 ~/.vault_pass",
        "cat ~/.vault_pass > /dev/null; echo done",
        "ansible-playbook --vault-password-file ~/.vault_pass site.yml",
        "echo done; cat password.txt",
    ],
};

pub(super) const VARIABLE: Rule = Rule {
    id: "variable-default",
    description: "the default of a variable whose name says that it is a secret",
    literals: &["variable \"", "variable \\"],
    find: Find::Code(variable),
    hits: &[
        "variable \"db_password\" {\n  type    = string\n  default = \"hunter2\"\n}",
        "variable \"api_token\" { default = \"correct-horse\" }",
    ],
    misses: &[
        "variable \"db_password\" {\n  type = string\n}\n\nvariable \"region\" {\n  default = \"eu-west-1\"\n}",
        "variable \"password_length\" { default = \"16\" }",
        "variable \"db_password\" { default = \"\" }",
        "the variable \"password\" is not set",
    ],
};

pub(super) const HTPASSWD: Rule = Rule {
    id: "htpasswd",
    description: "the password that htpasswd is given as an argument",
    literals: &["htpasswd -"],
    find: Find::Code(htpasswd),
    hits: &[
        "htpasswd -b /etc/nginx/.htpasswd ann hunter2",
        "htpasswd -cbB .htpasswd ann 'correct horse'",
        "htpasswd -nb ann hunter2",
        "htpasswd -c -b .htpasswd ann hunter2",
    ],
    misses: &[
        "htpasswd -c .htpasswd ann",
        "htpasswd -b .htpasswd ann $PASSWORD",
        "htpasswd -D .htpasswd ann",
        "htpasswd -nbB ann \"$PASSWORD\"",
    ],
};

/// `echo ... > file`: the literal is a part of the file's name.
fn file(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let is_path = |byte: u8| is_word(byte) || matches!(byte, b'/' | b'.' | b'-' | b'~' | b'$' | b'{' | b'}');
    let name = run_start(bytes, literal.start, NEAR, is_path);
    let sign = run_start(bytes, name, 8, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\'));
    let Some(line) = line_start(bytes, literal.start, NEAR).filter(|_| before(bytes, sign) == b'>') else { return };
    let said = slice(bytes, line, sign);
    let last = |command: &[u8]| memchr::memmem::rfind(said, command).map(|found| line + found + command.len());
    let Some(mut from) = last(b"echo ").max(last(b"printf ")) else { return };
    from = skip_blanks(bytes, from);
    while at(bytes, from) == b'-' {
        from = skip_blanks(bytes, run_end(bytes, from, |byte| byte > b' '));
    }
    let mut written = argument(bytes, from);
    if slice(bytes, written.start, written.end).contains(&b'%') {
        // `printf '%s' ...`
        written = argument(bytes, skip_blanks(bytes, run_end(bytes, written.end, |byte| byte > b' ' && byte != b'>')));
    }
    if written.end <= sign {
        leave(scan, literal, written);
    }
}

/// `variable "name" { ... default = "..." ... }`
fn variable(scan: &mut Scan<'_>, literal: Literal) {
    const TELLING: [&[u8]; 8] =
        [b"password", b"passwd", b"passphrase", b"secret", b"token", b"api_key", b"private_key", b"credentials"];
    let bytes = scan.bytes;
    let start = literal.start + "variable ".len();
    let Some((quote, from)) = Quote::open(bytes, start) else { return };
    let Some(end) = quote.close(bytes, from, 128) else { return };
    let name = slice(bytes, from, end).to_ascii_lowercase();
    if !TELLING.iter().any(|telling| name.ends_with(telling)) {
        return;
    }
    let most = slice(bytes, 0, end + NEAR);
    let block = slice(most, end, run_end(most, end, |byte| byte != b'}'));
    let Some(found) = memchr::memmem::find(block, b"default").filter(|_| block.contains(&b'{')) else { return };
    let after = skip_blanks(bytes, end + found + "default".len());
    if at(bytes, after) != b'=' {
        return;
    }
    if let Some((quote, from)) = Quote::open(bytes, skip_blanks(bytes, after + 1))
        && let Some(end) = quote.close(bytes, from, NEAR)
    {
        leave(scan, literal, from..end);
    }
}

/// `htpasswd -b file user password`, `htpasswd -nb user password`
fn htpasswd(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let end = line_end(bytes, literal.end, NEAR);
    let (mut from, mut in_argument, mut to_stdout) = (literal.end - 1, false, false);
    while from < end && at(bytes, from) == b'-' {
        let option_end = run_end(slice(bytes, 0, end), from, |byte| byte > b' ');
        let flags = slice(bytes, from, option_end);
        in_argument |= flags.contains(&b'b');
        to_stdout |= flags.contains(&b'n');
        from = skip_blanks(bytes, option_end);
    }
    // The file, unless there is none; then the user.
    for _ in 0..if to_stdout { 1 } else { 2 } {
        from = skip_blanks(bytes, run_end(slice(bytes, 0, end), argument(bytes, from).end, |byte| byte > b' '));
    }
    let password = argument(bytes, from);
    if in_argument && !password.is_empty() && password.end <= end {
        leave(scan, literal, password);
    }
}
