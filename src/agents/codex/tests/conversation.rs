//! Who said what, once, and what it took.

use super::*;

#[test]
fn a_session_is_read_once_though_it_is_written_twice() {
    let mut log = Log::new();
    log.message("user", "<environment_context>\n  <cwd>/r</cwd>\n</environment_context>");
    log.asks("fix the test").turn("gpt-5");
    log.event(json!({"type": "agent_reasoning", "text": "**Look** first"}));
    log.says("Looking.").counts([100, 40, 10], [100, 40, 10]);
    log.item(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "**Look** first"}],
        "content": null, "encrypted_content": "gAAAA"}));
    log.runs("cargo test", "1 failed", 101).asks("go on").says("Done.");
    let read = log.read();
    assert_eq!(
        read.outline(),
        [
            "system environment_context: <environment_context>\n  <cwd>/r</cwd>\n</environment_context>",
            "user: fix the test",
            "thinks: **Look** first",
            "agent: Looking.",
            "$ cargo test",
            "shell failed: 1 failed",
            "user: go on",
            "agent: Done.",
        ]
    );
    let stats = read.stats();
    assert_eq!((stats.user_message_count, stats.message_count, stats.tool_call_count), (2, 4, 1));
    assert_eq!((stats.total_input_tokens, stats.cache_read_tokens, stats.total_output_tokens), (60, 40, 10));
    let said = &read.events[3];
    assert_eq!((said.attr_u64(attr::INPUT_TOKENS), said.attr_u64(attr::OUTPUT_TOKENS)), (60, 10));
    let result = &read.events[5];
    assert_eq!((result.attr_u64(attr::EXIT_CODE), result.duration_ms), (101, Some(500)));
    assert_eq!(result.call_id(), read.events[4].call_id());
}

#[test]
fn the_header_says_who_where_and_when() {
    let mut log = Log::new();
    log.asks("\n  fix it\nplease").turn("gpt-5").says("Done.");
    let header = log.read().parsed.header;
    assert_eq!((header.session_id.as_str(), header.agent.tool.as_str()), (ID, "codex"));
    assert_eq!((header.agent.provider.as_str(), header.agent.model.as_str()), ("openai", "gpt-5"));
    assert_eq!(header.agent.tool_version.as_deref(), Some("0.99.0"));
    assert_eq!(header.context.title.as_deref(), Some("fix it"));
    assert_eq!(header.context.created_at.to_string(), stamp(0));
    assert_eq!(header.context.updated_at.to_string(), stamp(6000));
    assert_eq!(header.context.related_session_ids, Vec::<String>::new());
    let attributes = serde_json::to_value(&header.context.attributes).unwrap();
    assert_eq!(
        attributes,
        json!({"cwd": "/r", "git.branch": "main", "git.commit": "c0ffee", "source": "cli",
            "git.repository_url": "https://host/o/r.git", "originator": "codex_cli_rs"})
    );
}

#[test]
fn the_name_a_thread_was_given_last_is_its_title() {
    let mut log = Log::new();
    log.asks("fix it").event(json!({"type": "thread_name_updated", "thread_name": "One"}));
    log.event(json!({"type": "thread_name_updated", "thread_name": "The fix"}));
    assert_eq!(log.read().title(), Some("The fix"));
}

#[test]
fn whichever_stream_comes_first_tells() {
    let mut log = Log::new();
    log.event(json!({"type": "user_message", "message": "hello"})).message("user", "hello");
    log.message("assistant", "hi").event(json!({"type": "agent_message", "message": "hi"}));
    log.item(json!({"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}]}));
    log.event(json!({"type": "agent_reasoning", "text": "a"})).event(json!({"type": "agent_reasoning", "text": "c"}));
    assert_eq!(log.read().outline(), ["user: hello", "agent: hi", "thinks: a|b", "thinks: c"]);
}

#[test]
fn a_prompt_of_nothing_is_none() {
    let mut log = Log::new();
    for message in [json!(""), json!(null), json!(7)] {
        log.event(json!({"type": "user_message", "message": message, "images": [], "local_images": null}));
    }
    log.event(json!({"type": "user_message"})).asks("go");
    log.event(json!({"type": "user_message", "message": "", "local_images": ["/tmp/a.png"]}));
    assert_eq!(log.read().outline(), ["user: go", "user: "]);
}

#[test]
fn what_is_said_again_counts_again() {
    let mut log = Log::new();
    log.asks("yes").asks("yes").says("ok").says("ok").asks("yes");
    assert_eq!(log.read().outline(), ["user: yes", "user: yes", "agent: ok", "agent: ok", "user: yes"]);
}

#[test]
fn what_only_the_model_sees_of_the_agent_is_kept() {
    let mut log = Log::new();
    log.asks("plan").event(json!({"type": "item_completed", "item": {"type": "Plan", "text": "1."}}));
    log.message("assistant", "<proposed_plan>1.</proposed_plan>");
    assert_eq!(log.read().outline(), ["user: plan", "agent: <proposed_plan>1.</proposed_plan>"]);
}

#[test]
fn without_the_shown_stream_the_other_is_the_conversation() {
    let mut log = Log::new();
    log.message("user", "<user_instructions>\nbe kind\n</user_instructions>").message("user", "fix it");
    log.item(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}));
    log.message("assistant", "Done.").message("user", "thanks");
    let read = log.read();
    assert_eq!(
        read.outline(),
        [
            "system user_instructions: <user_instructions>\nbe kind\n</user_instructions>",
            "user: fix it",
            "thinks: hm",
            "agent: Done.",
            "user: thanks"
        ]
    );
    assert_eq!(read.title(), Some("fix it"));
}

#[test]
fn nobody_typed_what_codex_put_in() {
    let mut log = Log::new();
    log.message("developer", "<permissions instructions>x</permissions instructions>");
    log.item(json!({"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "# AGENTS.md instructions for /r\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>"},
        {"type": "input_text", "text": "<environment_context>y</environment_context>"}]}));
    log.message("user", "<novel_thing a=\"1\">not known yet</novel_thing>");
    log.asks("use the skill").message("user", "<skill>\n<name>x</name>\n</skill>").says("ok");
    log.message("user", "A warning that only the model is told.").says("I see");
    log.event(json!({"type": "user_message", "message": "be kind", "kind": "user_instructions"}));
    let read = log.read();
    let by: Vec<_> = read.outline().iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        by,
        [
            "system developer",
            "system agents_md",
            "system element",
            "user",
            "system skill",
            "agent",
            "system unshown",
            "agent",
            "system user_instructions"
        ]
    );
    assert_eq!(read.stats().user_message_count, 1);
}

#[test]
fn a_human_may_type_what_looks_like_an_element() {
    let mut log = Log::new();
    log.asks("<b>why is this bold?</b>").asks("<environment_context> is what?");
    assert_eq!(log.read().stats().user_message_count, 2);
}

#[test]
fn tokens_count_once_an_answer_though_totals_repeat_and_start_again() {
    let mut log = Log::new();
    log.asks("go").event(json!({"type": "token_count", "info": null}));
    log.says("a").counts([100, 50, 10], [100, 50, 10]).counts([100, 50, 10], [100, 50, 10]);
    log.says("b").counts([300, 200, 30], [200, 150, 20]).asks("on").counts([300, 200, 30], [200, 150, 20]);
    // An old resume starts the total again.
    log.says("c").counts([50, 0, 5], [50, 0, 5]).counts([50, 0, 5], [50, 0, 5]);
    let stats = log.read().stats();
    assert_eq!((stats.total_input_tokens, stats.cache_read_tokens, stats.total_output_tokens), (150, 200, 35));
}

#[test]
fn tokens_of_an_answer_that_is_not_there_yet_are_told_with_the_next() {
    let mut log = Log::new();
    log.asks("go").counts([10, 0, 1], [10, 0, 1]);
    let alone = log.read();
    assert_eq!(alone.outline(), ["user: go", "(usage) "]);
    assert_eq!((alone.settled, alone.stats().total_input_tokens), (1, 10));
    log.runs("ls", "", 0);
    let read = log.read();
    assert_eq!(read.outline(), ["user: go", "$ ls", "shell answers: "]);
    assert_eq!((read.events[1].attr_u64(attr::INPUT_TOKENS), read.stats().total_input_tokens), (10, 10));
}

#[test]
fn a_compaction_is_one_and_repeats_nothing() {
    let mut log = Log::new();
    log.asks("go").says("ok");
    log.line(
        "compacted",
        json!({"message": "we did x", "replacement_history": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}]}),
    );
    log.event(json!({"type": "context_compacted"})).asks("on");
    log.event(json!({"type": "context_compacted"})).line("compacted", json!({"message": ""}));
    assert_eq!(log.read().outline(), ["user: go", "agent: ok", "(compaction) we did x", "user: on", "(compaction) "]);
}

#[test]
fn undone_and_aborted_turns_are_told() {
    let mut log = Log::new();
    log.asks("go").event(json!({"type": "turn_aborted", "reason": "interrupted"}));
    log.event(json!({"type": "thread_rolled_back", "num_turns": 2}));
    log.event(json!({"type": "entered_review_mode"}));
    let read = log.read();
    assert_eq!(
        read.outline(),
        ["user: go", "(turn_aborted) interrupted", "(thread_rolled_back) ", "(entered_review_mode) "]
    );
    assert_eq!(read.events[2].content, crate::session::Content::json(json!({"num_turns": 2})));
}

#[test]
fn images_are_kept_by_hash_and_size() {
    let mut log = Log::new();
    log.item(json!({"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "<image name=[Image #1]>"},
        {"type": "input_image", "image_url": "data:image/png;base64,YWJj"},
        {"type": "input_text", "text": "</image>"}, {"type": "input_text", "text": "what is this?"}]}));
    log.event(
        json!({"type": "user_message", "message": "what is this?", "images": [], "local_images": ["/tmp/a.png"]}),
    );
    let read = log.read();
    assert_eq!(read.outline(), ["user: what is this?"]);
    let blocks = serde_json::to_value(&read.events[0].content.blocks[1..]).unwrap();
    let uri = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad?size=3";
    assert_eq!(
        blocks,
        json!([{"type": "Reference", "uri": uri, "media_type": "image/png"}, {"type": "File", "path": "/tmp/a.png"}])
    );
}

#[test]
fn places_and_models_are_told_where_they_change() {
    let mut log = Log::new();
    log.turn("m1").asks("go").says("a").says("b");
    log.line("turn_context", json!({"cwd": "/other", "model": "m2"})).says("c");
    let read = log.read();
    let told: Vec<_> =
        read.events.iter().map(|event| (event.attr_str(attr::CWD), event.attr_str(attr::MODEL))).collect();
    assert_eq!(told, [(Some("/r"), None), (None, Some("m1")), (None, None), (Some("/other"), Some("m2"))]);
    let header = read.parsed.header;
    assert_eq!((header.agent.model.as_str(), header.context.attributes["cwd"].as_str()), ("m2", Some("/r")));
}

#[test]
fn prompts_of_a_subagent_are_another_agents() {
    let mut log = Log::default();
    let source = json!({"subagent": {"thread_spawn": {"parent_thread_id": "parent", "depth": 1}}});
    log.line(
        "session_meta",
        json!({"id": ID, "session_id": "root", "timestamp": stamp(0), "cwd": "/r", "source": source,
        "agent_nickname": "Boole", "agent_role": "worker"}),
    );
    log.event(json!({"type": "task_started", "turn_id": "019b8000-0001-7000-8000-000000000001"}));
    log.asks("look at the parser").says("It is fine.");
    let read = log.read();
    assert_eq!(read.outline(), ["system parent_agent: look at the parser", "agent: It is fine."]);
    let header = &read.parsed.header;
    assert_eq!(header.context.related_session_ids, ["parent", "root"]);
    assert_eq!(header.context.attributes["agent.nickname"], "Boole");
    assert_eq!(header.context.attributes["source"], "subagent");
    assert_eq!(read.title(), Some("look at the parser"));
}
