//! Tokens of other services, and the general shapes.

use super::{Rule, Token};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "slack-token",
        description: "a Slack token",
        literals: &[
            "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xoxc-", "xoxd-", "xapp-", "xwfp-",
        ],
        find: Token::word(r"(?:xox(?:[abeoprscd]-|e\.xox[bp]-)[A-Za-z0-9%/+=-]{10,}|x(?:app|wfp)-[A-Za-z0-9-]{10,})"),
        hits: &[
            concat!("xoxb", "-123456789012-1234567890123-aB3dE5gH7jK9mN1pQ3sT5vW7"),
            concat!("xoxb", "-CANARYreadresult-0123456789"),
            concat!("xoxp", "-123456789012-0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            concat!("xoxe", ".xoxp-1-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
            concat!(
                "xapp",
                "-1-A0B1C2D3E4F-1234567890123-0a1b2c3d4e5f60718293a4b5c6d7e8f9012345670a1b2c3d4e5f60718293a4b5"
            ),
            concat!("xoxs", "-123456789012-0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ],
        misses: &["xoxb-", "xapp-x"],
    },
    Rule {
        id: "slack-webhook",
        description: "the path of a Slack webhook",
        literals: &["hooks.slack.com/"],
        find: Token::new(r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}"),
        hits: &[concat!("http", "s://hooks.slack.com/services/T00000000/B00000000/aB3dE5gH7jK9mN1pQ3sT5vW7")],
        misses: &[concat!("http", "s://hooks.slack.com/services/")],
    },
    Rule {
        id: "discord-webhook",
        description: "the path of a Discord webhook",
        literals: &["/api/webhooks/"],
        find: Token::new(r"/api/(?:v[0-9]+/)?webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{40,}"),
        hits: &[concat!(
            "http",
            "s://discord.com/api/webhooks/123456789012345678/aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3aB3dE5gH7jK9mN1pQ3sT"
        )],
        misses: &["/api/webhooks/1"],
    },
    Rule {
        id: "teams-webhook",
        description: "the path of a Teams webhook",
        literals: &[".webhook.office.com/"],
        find: Token::new(
            r"\.webhook\.office\.com/webhookb2/[a-zA-Z0-9@-]{36,}/IncomingWebhook/[a-z0-9]{32}/[a-z0-9-]{36}[A-Za-z0-9/_-]*",
        ),
        hits: &[concat!(
            "http",
            "s://x.webhook.office.com/webhookb2/2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c@2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c/IncomingWebhook/0a1b2c3d4e5f60718293a4b5c6d7e8f9/2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c"
        )],
        misses: &["https://x.webhook.office.com/"],
    },
    Rule {
        id: "stripe-key",
        description: "a Stripe key or webhook secret, live or test",
        literals: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_", "whsec_"],
        find: Token::word(r"(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,})"),
        hits: &[
            concat!("sk_l", "ive_CANARYwritecontent0123456789"),
            concat!("rk_l", "ive_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"),
            concat!("sk_t", "est_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"),
            concat!("whse", "c_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"),
        ],
        misses: &["sk_test_mode", concat!("pk_l", "ive_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5")],
    },
    Rule {
        id: "sendgrid-key",
        description: "a SendGrid key",
        literals: &["SG."],
        find: Token::word(r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        hits: &[concat!("SG.a", "B3dE5gH7jK9mN1pQ3sT5v.aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9m")],
        misses: &["msg.length", "SG.x"],
    },
    Rule {
        id: "telegram-token",
        description: "the token of a Telegram bot",
        literals: &[":AA"],
        find: Token::inside(8, r"[0-9]{8}:AA[A-Za-z0-9_-]{32,}"),
        hits: &[concat!("1234", "56789:AAaB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE")],
        misses: &["a:AAA", ":AA"],
    },
    Rule {
        id: "shopify-token",
        description: "a Shopify token",
        literals: &["shpat_", "shpca_", "shppa_", "shpss_", "shptka_"],
        find: Token::word(r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}"),
        hits: &[
            concat!("shpa", "t_0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            concat!("shps", "s_0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ],
        misses: &["shpat_x"],
    },
    Rule {
        id: "square-token",
        description: "a Square token",
        literals: &["sq0atp-", "sq0csp-", "sq0idp-"],
        find: Token::new(r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}"),
        hits: &[
            concat!("sq0a", "tp-aB3dE5gH7jK9mN1pQ3sT5v"),
            concat!("sq0c", "sp-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9m"),
        ],
        misses: &["sq0atp-x"],
    },
    Rule {
        id: "mailgun-key",
        description: "a Mailgun key",
        literals: &["key-"],
        find: Token::word(r"key-[a-f0-9]{32}"),
        hits: &[concat!("key-", "0a1b2c3d4e5f60718293a4b5c6d7e8f9")],
        misses: &["key-value", "primary-key-x"],
    },
    Rule {
        id: "linear-key",
        description: "a Linear key",
        literals: &["lin_api_", "lin_oauth_", "lin_wh_"],
        find: Token::word(r"lin_(?:api|oauth|wh)_[A-Za-z0-9]{32,}"),
        hits: &[concat!("lin_", "api_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG57jK9")],
        misses: &["lin_api_x"],
    },
    Rule {
        id: "notion-token",
        description: "a Notion token",
        literals: &["ntn_", "secret_"],
        find: Token::mixed(r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})"),
        hits: &[
            concat!("ntn_", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
            concat!("secr", "et_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9m"),
        ],
        misses: &["secret_name", "ntn_x"],
    },
    Rule {
        id: "grafana-token",
        description: "a Grafana token",
        literals: &["glsa_", "glc_eyJ", "eyJrIjoi"],
        find: Token::word(r"(?:glsa_[A-Za-z0-9_]{30,}|glc_eyJ[A-Za-z0-9+/=]{30,}|eyJrIjoi[A-Za-z0-9+/=_-]{40,})"),
        hits: &[
            concat!("glsa", "_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5_0a1b2c3d"),
            concat!("glc_", "eyJvIjoiaB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
        ],
        misses: &["glsa_x"],
    },
    Rule {
        id: "sentry-token",
        description: "a Sentry token",
        literals: &["sntrys_", "sntryu_"],
        find: Token::word(r"sntry[su]_[A-Za-z0-9+/=_-]{40,}"),
        hits: &[
            concat!("sntr", "ys_eyJpYXQiaB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
            concat!("sntr", "yu_0a1b2c3d4e5f60718293a4b5c6d7e8f9012345670a1b2c3d4e5f60718293a4b5"),
        ],
        misses: &["sntryu_x"],
    },
    Rule {
        id: "newrelic-key",
        description: "a New Relic key",
        literals: &["NRAK-", "NRJS-", "NRII-", "NRRA-"],
        find: Token::word(r"NR(?:AK|JS|II|RA)-[A-Za-z0-9_-]{19,}"),
        hits: &[concat!("NRAK", "-AB3DE5GH7JK9MN1PQ3ST5VW7YZ9")],
        misses: &["NRAK-x"],
    },
    Rule {
        id: "postman-key",
        description: "a Postman key",
        literals: &["PMAK-"],
        find: Token::word(r"PMAK-[a-f0-9]{24}-[a-f0-9]{30,}"),
        hits: &[concat!("PMAK", "-0a1b2c3d4e5f60718293a4b5-0a1b2c3d4e5f60718293a4b5c6d7e8f901")],
        misses: &["PMAK-x"],
    },
    Rule {
        id: "figma-token",
        description: "a Figma token",
        literals: &["figd_", "figu_", "figo_"],
        find: Token::word(r"fig[duo]_[A-Za-z0-9_-]{30,}"),
        hits: &[concat!("figd", "_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3")],
        misses: &["figd_x"],
    },
    Rule {
        id: "posthog-key",
        description: "a personal PostHog key",
        literals: &["phx_"],
        find: Token::mixed(r"phx_[A-Za-z0-9]{40,}"),
        hits: &[concat!("phx_", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3")],
        misses: &["phx_x"],
    },
    Rule {
        id: "trello-token",
        description: "a Trello token",
        literals: &["ATTA"],
        find: Token::mixed(r"ATTA[A-Za-z0-9]{60,}"),
        hits: &[concat!("ATTA", "0a1b2c3d4e5f60718293a4b5c6d7e8f9012345670a1b2c3d4e5f60718293a4b50a1b2c3d")],
        misses: &["ATTA"],
    },
    Rule {
        id: "dropbox-token",
        description: "a Dropbox token",
        literals: &["sl.u.", "sl.B"],
        find: Token::mixed(r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,}"),
        hits: &[concat!(
            "sl.u",
            ".AaB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
        )],
        misses: &["sl.u.x"],
    },
    Rule {
        id: "flutterwave-key",
        description: "a Flutterwave, Paystack or EasyPost key",
        literals: &["FLWSECK", "EZAK", "EZTK"],
        find: Token::mixed(r"(?:FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}|EZ[AT]K[A-Za-z0-9]{54})"),
        hits: &[
            concat!("FLWS", "ECK_TEST-0a1b2c3d4e5f60718293a4b5c6d7e8f9-X"),
            concat!("EZAK", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3aB3dE5"),
        ],
        misses: &["EZAK"],
    },
    Rule {
        id: "ngrok-key",
        description: "a Duffel, Frame.io or Contentful token",
        literals: &["duffel_live_", "duffel_test_", "fio-u-", "CFPAT-"],
        find: Token::word(
            r"(?:duffel_(?:live|test)_[A-Za-z0-9_-]{40,}|fio-u-[A-Za-z0-9_-]{40,}|CFPAT-[A-Za-z0-9_-]{40,})",
        ),
        hits: &[
            concat!("duff", "el_test_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
            concat!("CFPA", "T-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3"),
        ],
        misses: &["fio-u-x"],
    },
    Rule {
        id: "brevo-key",
        description: "a Brevo or Resend key",
        literals: &["xkeysib-", "xsmtpsib-", "re_"],
        find: Token::mixed(r"(?:x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,})"),
        hits: &[
            concat!("xkey", "sib-0a1b2c3d4e5f60718293a4b5c6d7e8f9012345670a1b2c3d4e5f60718293a4b5-aB3dE5gH7jK9mN1p"),
            concat!("re_a", "B3dE5gH_aB3dE5gH7jK9mN1pQ3sT5vW7"),
        ],
        misses: &["re_export", "re_compile_x"],
    },
    Rule {
        id: "mapbox-token",
        description: "a secret Mapbox token",
        literals: &["sk.eyJ"],
        find: Token::word(r"sk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{16,}"),
        hits: &[concat!("sk.e", "yJ1IjoiaB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3.aB3dE5gH7jK9mN1pQ3sT5v")],
        misses: &["sk.eyJ"],
    },
    Rule {
        id: "jwt",
        description: "a JSON Web Token",
        literals: &["eyJ"],
        find: Token::word(
            r"eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
        ),
        hits: &[
            concat!("eyJh", "bGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
            concat!("eyJh", "bGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0."),
        ],
        misses: &["eyJhbGciOiJIUzI1NiJ9", "eyJ.x"],
    },
];
