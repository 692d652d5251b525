-- One row a call that began in the window, with what `make usage` counts and groups by. `operations/spend_rows.py` says the same
-- of the rows that LiteLLM's API gives. Taking a row's metadata, which is large, out of its compressed form is what takes time:
-- `jsonb_to_record` does it once for all fields.
SELECT
  logs."startTime" AS started,
  logs.spend AS cost,
  COALESCE(logs.request_duration_ms, (EXTRACT(EPOCH FROM logs."endTime" - logs."startTime") * 1000)::integer, 0)::float8
    AS milliseconds,
  logs.status IS NOT DISTINCT FROM 'failure' AS failed,
  noted.error_information ->> 'error_code' IS NOT DISTINCT FROM '499' AS cut,
  -- Of a call that failed before it used anything LiteLLM writes its guess of the prompt.
  CASE WHEN guessed.tokens THEN 0 ELSE logs.prompt_tokens END AS prompt_tokens,
  CASE WHEN guessed.tokens THEN 0 ELSE logs.completion_tokens END AS completion_tokens,
  -- Each way of answering has its own word for what was read from the provider's cache; OpenAI's is part of the details.
  GREATEST(0, CASE WHEN jsonb_typeof(noted.usage_object -> 'cache_read_input_tokens') = 'number'
    THEN trunc((noted.usage_object ->> 'cache_read_input_tokens')::numeric) END,
  CASE WHEN jsonb_typeof(noted.usage_object -> 'prompt_tokens_details' -> 'cached_tokens') = 'number'
    THEN trunc((noted.usage_object -> 'prompt_tokens_details' ->> 'cached_tokens')::numeric) END,
  CASE WHEN jsonb_typeof(noted.usage_object -> 'input_tokens_details' -> 'cached_tokens') = 'number'
    THEN trunc((noted.usage_object -> 'input_tokens_details' ->> 'cached_tokens')::numeric) END)::int8 AS cache_read_tokens,
  COALESCE(NULLIF(said.component, ''), NULLIF((
    SELECT substr(tag, length('component:') + 1)
    FROM jsonb_array_elements_text(tagged.tags) WITH ORDINALITY AS tags (tag, place)
    WHERE starts_with(tag, 'component:') ORDER BY place DESC LIMIT 1
  ), ''), '(none)') AS component,
  COALESCE(NULLIF(said.operation, ''), NULLIF((
    SELECT substr(tag, length('operation:') + 1)
    FROM jsonb_array_elements_text(tagged.tags) WITH ORDINALITY AS tags (tag, place)
    WHERE starts_with(tag, 'operation:') ORDER BY place DESC LIMIT 1
  ), ''), '(none)') AS operation,
  COALESCE(NULLIF(tokens.metadata ->> 'environment', ''), NULLIF(said.environment, ''), NULLIF((
    SELECT substr(tag, length('environment:') + 1)
    FROM jsonb_array_elements_text(tagged.tags) WITH ORDINALITY AS tags (tag, place)
    WHERE starts_with(tag, 'environment:') ORDER BY place DESC LIMIT 1
  ), ''), '(none)') AS environment,
  COALESCE(NULLIF(logs.model_group, ''), NULLIF(logs.model, ''), '(none)') AS model,
  COALESCE(NULLIF(said.session_id, ''), '(none)') AS session,
  COALESCE(NULLIF(noted.user_api_key_alias, ''), '(none)') AS key,
  COALESCE(NULLIF(logs.end_user, ''), '(none)') AS end_user,
  COALESCE(NULLIF(said.caller, ''), '(none)') AS caller,
  COALESCE(NULLIF(said.agent_id, ''), '(none)') AS agent,
  COALESCE(NULLIF(said.parent_agent_id, ''), '(none)') AS parent_agent,
  COALESCE(NULLIF(said.memory_user, ''), '(none)') AS memory_user
FROM "LiteLLM_SpendLogs" AS logs
CROSS JOIN LATERAL jsonb_to_record(COALESCE(logs.metadata, '{}'))
  AS noted (user_api_key_alias text, usage_object jsonb, error_information jsonb, spend_logs_metadata jsonb)
CROSS JOIN LATERAL jsonb_to_record(
  CASE jsonb_typeof(noted.spend_logs_metadata) WHEN 'object' THEN noted.spend_logs_metadata ELSE '{}' END
) AS said (component text, operation text, environment text, session_id text, caller text, agent_id text,
  parent_agent_id text, memory_user text)
CROSS JOIN LATERAL (
  SELECT CASE jsonb_typeof(logs.request_tags) WHEN 'array' THEN logs.request_tags ELSE '[]' END AS tags
) AS tagged
CROSS JOIN LATERAL (
  SELECT logs.status = 'failure' AND COALESCE(noted.usage_object, 'null') IN ('null', '{}') AS tokens
) AS guessed
LEFT JOIN "LiteLLM_VerificationToken" AS tokens ON tokens.token = logs.api_key
WHERE logs."startTime" BETWEEN %(since)s AND %(until)s
