-- A filled database as revision 0007 left it; never edited. Encrypted with the tests' STORE_KEY.
INSERT INTO git_accounts (id, name, kind, url, login, author_name, author_email, created_at) VALUES
('account001', 'work', 'github', 'https://github.com', 'ada', 'Ada', 'ada@example.org', '2026-11-22 11:00:00.000000');

INSERT INTO projects (id, name, source, branch, setup_command, dev_command, port, size, environment, created_at, budget_tokens, budget_usd, has_browser, spent_tokens, spent_usd, environment_version, rebuilds_when_stale, processes, account_id, image) VALUES
('shopprojec', 'shop', '/srv/shop.git', 'main', 'npm ci', 'npm run dev', 3000, 'small', '2:db3e8a95:cYjFJlmdISZBExVv13ruEoNgqKSwPEspiRGIAGO5EfMPUa7qnVaYglB8m6RAXrTHag7ppN+JaHCBFGdLayfTrbmeb4BBq4F6lrJ32kEKELInaOvWZqER3wOl1zvqVCSyCorFkoVzew9yk4nnuHdl30Ha8EOe3FSTpaui9NjXE3m1w/P1FQvF71LPdaeAUi9Ew/gfQAc1MXHvlp5DeBCyf+A=', '2026-11-22 12:00:00.123456', 1000000, 12.5, true, 100, 0.25, 3, true, '{"worker": "npm run worker", "css": "npx tailwindcss --watch"}', 'account001', 'dockerfile:Dockerfile');

INSERT INTO snapshots (id, project_id, generation, state, sandbox, base_image, layer, memory_image, "commit", setup_command, dev_command, port, failure, log, build_s, epoch, owner, lease_until, created_at, cpus, memory_bytes, manifest, stale_files, processes) VALUES
('snapshot01', 'shopprojec', 1, 'failed', 'sandbox001', 'trixie', 'layer00001', NULL, NULL, 'npm ci', NULL, NULL, 'no network', 'npm: no network', NULL, 1, NULL, NULL, '2026-11-22 12:00:01.000000', 2, 4294967296, NULL, '[]', '{}'),
('snapshot02', 'shopprojec', 2, 'ready', 'sandbox002', 'trixie', 'layer00002', 'image00002', 'c0ffee', 'npm ci', 'npm run dev', 3000, NULL, 'added 12 packages', 4.25, 1, 'runner0001', '2026-11-22 12:00:31.000000', '2026-11-22 12:00:02.000000', 3, 6442450944, '{"environment_keys": ["API_URL"], "health_port": 3000, "health_status": 200, "layer_bytes": 1024, "layer_files": 2, "layer_hash": "abc", "memory_bytes": 2048}', '["package-lock.json"]', '{"worker": "npm run worker"}');

INSERT INTO sessions (id, project_id, snapshot_id, parent_id, title, agent, sandbox_state, reason, version, epoch, owner, lease_until, sandbox, size, provider, model, base_image, layers, upper, memory_image, candidate_image, candidate_epoch, base_branch, base_commit, branch, agent_session, agent_run, agent_offset, pause_at, pause_reason, is_used, events, created_at, changed_at, program, effort, mode, budget_tokens, budget_usd, cpus, memory_bytes, compute_units, environment_version, is_setup, last_event, seen_event, last_activity_at, metered_at) VALUES
('parent0001', 'shopprojec', 'snapshot02', NULL, 'Blue button', 'waiting', 'paused', 'idle for 300 s', 9, 3, NULL, NULL, 'sandbox003', 'small', 'rehearsal', 'opus', 'trixie', '["layer00002"]', 'upper00001', 'image00003', NULL, NULL, 'main', 'c0ffee', 'lot/blue-button-parent0001', '0d7a8f2e', 1, 4096, NULL, NULL, true, 3, '2026-11-22 12:01:00.000000', '2026-11-22 12:09:00.000000', 'claude', 'high', 'ask', 5000, NULL, 2, 4294967296, 1.0, 2, false, 3, 2, '2026-11-22 12:03:00.000000', NULL),
('child00001', 'shopprojec', 'snapshot02', 'parent0001', 'Blue button (fork)', 'idle', 'on', NULL, 2, 1, 'runner0002', '2026-11-22 12:11:00.000000', 'sandbox004', 'large', 'rehearsal', NULL, 'trixie', '["layer00002", "upper00001"]', 'upper00002', NULL, 'image00004', 1, 'main', 'c0ffee', 'lot/blue-button-child00001', NULL, 0, 0, '2026-11-22 12:15:00.000000', 'quiet', false, 1, '2026-11-22 12:10:00.000000', '2026-11-22 12:10:00.000000', 'acp:opencode acp', NULL, 'full', NULL, 1.5, 4, 8589934592, 2.0, NULL, true, 0, 0, '2026-11-22 12:10:00.000000', '2026-11-22 12:10:30.000000');

INSERT INTO events (session_id, number, kind, body) VALUES
('parent0001', 1, 'message_added', '{"at":"2026-11-22T12:02:00Z","kind":"message_added","message_id":"m-1","text":"Make it blue"}'),
('parent0001', 2, 'message_delivered', '{"at":"2026-11-22T12:02:01Z","kind":"message_delivered","message_id":"m-1"}'),
('parent0001', 3, 'message_added', '{"at":"2026-11-22T12:03:00Z","kind":"message_added","message_id":"m-2","text":"Bl\u00e5, please \ufffd"}'),
('child00001', 1, 'forked', '{"at":"2026-11-22T12:10:00Z","kind":"forked","parent_id":"parent0001","parent_event":0}');

INSERT INTO messages (session_id, id, number, text, delivery, created_at, attachments) VALUES
('parent0001', 'm-1', 1, '"Make it blue"', 'delivered', '2026-11-22 12:02:00.000000', '[]'),
('parent0001', 'm-2', 3, '"Bl\u00e5, please \ud83d"', 'kept', '2026-11-22 12:03:00.000000', '[{"name": "a.txt", "media_type": "text/plain", "size_bytes": 3}]');

INSERT INTO diffs (session_id, base_commit, patch, is_truncated, files, taken_at) VALUES
('parent0001', 'c0ffee', '"--- a\n+++ b\n"', false, '[{"path": "b", "old_path": "a", "status": "renamed", "added": 1, "removed": null}]', '2026-11-22 12:08:00.000000');

INSERT INTO pull_requests (id, project_id, session_id, number, title, body, base_branch, branch, head_commit, state, url, created_at, updated_at) VALUES
('pull000001', 'shopprojec', 'parent0001', 1, 'Blue button', 'It was grey.', 'main', 'lot/blue-button-parent0001', 'decade', 'open', 'http://127.0.0.1:7070/pull/1', '2026-11-22 12:05:00.000000', '2026-11-22 12:06:00.000000');

INSERT INTO model_usage (session_id, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, at, cost_usd) VALUES
('parent0001', 'opus', 10, 20, 30, 40, '2026-11-22 12:02:05.000000', 0.25);

INSERT INTO secrets (name, value) VALUES ('anthropic', '2:db3e8a95:2dc+Jyx5eJO7DptocoGEXwXFnU7f4dAfKmhHKVmIt+SqficENsgdZ9ODwd8q');

INSERT INTO attachments (session_id, message_id, position, name, media_type, data) VALUES
('parent0001', 'm-2', 0, 'a.txt', 'text/plain', X'616263');

INSERT INTO asks (session_id, id, run, kind, event, state, answer, asked_at, answered_at) VALUES
('parent0001', 'toolu_1', 1, 'question', 2, 'taken', '{"choices": {"Which colour?": ["Blue"]}, "text": null, "verdict": null, "mode": null}', '2026-11-22 12:02:00.000000', '2026-11-22 12:02:01.000000'),
('parent0001', 'toolu_2', 2, 'plan', 3, 'open', NULL, '2026-11-22 12:03:00.000000', NULL);

INSERT INTO agent_lines (session_id, run, from_offset, lines) VALUES
('parent0001', 1, 0, X'7801ab562aa92c4855b2522a4a2d2ecd2951aae502003c5f0626');

INSERT INTO agent_files (session_id, path, lines) VALUES
('parent0001', '-workspace/one.jsonl', X'7801ab564a54b232ace502000a3d0213'),
('parent0001', '-workspace/one.jsonl', X'7801ab564a54b232aae502000a400214');

INSERT INTO held_answers (session_id, request, status, headers, body, at) VALUES
('parent0001', 'c0ffee', 200, '{}', X'616263', '2026-11-22 12:03:00.000000');

INSERT INTO secrets (name, value) VALUES ('git-account/account001', '1:UU21/pBMPK5zjxzIcsYxFro1Ju+cAV07L5/DSomNpGaPt1LgF0s3F5wwdbzfbaaqzvklH7Y=');

INSERT INTO session_usage_days (session_id, day, seconds_on, compute_units, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd) VALUES
('parent0001', '2026-11-22', 480.5, 480.5, 10, 20, 30, 40, 0.25);

INSERT INTO usage_days (project_id, day, seconds_on, compute_units, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd) VALUES
('shopprojec', '2026-11-22', 510.5, 540.5, 10, 20, 30, 40, 0.25),
('goneprojec', '2026-11-21', 60.0, 120.0, 1, 2, 3, 4, 0.5);

INSERT INTO users (id, name, password_hash, created_at) VALUES
('user000001', 'ada', '$argon2id$v=19$m=65536,t=3,p=4$Z29sZGVuc2FsdDEyMzQ1Ng$Z29sZGVuaGFzaDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI', '2026-11-22 10:00:00.000000'),
('user000002', 'grace', NULL, '2026-11-22 10:30:00.000000');

INSERT INTO browser_sessions (id, user_id, digest, created_at, last_seen_at, ends_at, user_agent, address) VALUES
('browser001', 'user000001', 'digest-of-a-cookie', '2026-11-22 10:00:01.000000', '2026-11-22 11:00:00.000000', '2026-12-22 11:00:00.000000', 'Firefox', '127.0.0.1');

INSERT INTO api_tokens (id, user_id, name, digest, created_at, last_used_at) VALUES
('token00001', 'user000001', 'ci', 'digest-of-a-token', '2026-11-22 10:01:00.000000', NULL);

INSERT INTO sign_in_links (digest, user_id, created_at, ends_at) VALUES
('digest-of-a-link', 'user000001', '2026-11-22 10:02:00.000000', '2026-11-23 10:02:00.000000');

INSERT INTO identities (issuer, subject, user_id) VALUES ('https://id.example.test', '42', 'user000002');

INSERT INTO defaults (id, provider, model, effort, mode, size, idle_countdown_s) VALUES
(1, 'rehearsal', 'rehearsal-small', NULL, 'plan', NULL, 900.0);

INSERT INTO push_devices (id, browser_session_id, endpoint_digest, subscription, made_at, failure) VALUES
('device0001', 'browser001', 'digest-of-an-endpoint', '2:db3e8a95:Dvi7mrrhSiuxTkQ2+B/r7b1RdZeB2iSIknAgaofyRLCqxQ272Qk+DsYHj+nXNjKc19VMF3wPyM1Fp+CGWQrA7uQHo415ixQALADxvk7UZxcPAnzCDz7BEbvQCebr6rwEV/X3jbtI7Fy06OQks5fN', '2026-11-22 11:30:00.000000', 'web.push.example.net answered 403');
