/** What the first answers of a run have to say for the run to end. */
import { describe, expect, test } from 'vitest';
import { ProviderError } from '../../../src/core/errors.ts';
import { createEarlyStop } from '../../../src/orchestrator/calls/early-stop.ts';

const refuse = (message: string, code = 'invalid_request_error', status = 400) =>
  new ProviderError('row', code, message, { status });

/** What eight calls that fail so, one after another, lead to. */
function failEight(fail: (call: number) => ProviderError): (string | undefined)[] {
  const stop = createEarlyStop();
  return Array.from({ length: 8 }, (_, call) => stop.noteFailure(fail(call))?.message);
}

const goesOn = Array(8).fill(undefined);

describe('eight times the same refusal of the model or a setting ends the run', () => {
  test.each([
    ['unsupported_value', "Unsupported value: 'temperature' does not support 0.2 with this model."],
    ['unsupported_parameter', "Unsupported parameter: 'max_tokens' is not supported with this model."],
    ['unknown_parameter', "Unknown parameter: 'topk'."],
    ['model_decommissioned', 'The model `mixtral-8x7b-32768` has been decommissioned.'],
    ['invalid_request_error', 'Model Not Exist'],
    [
      'invalid_value',
      'max_tokens is too large: 100000. This model supports at most 16384 completion tokens.',
    ],
    [
      'invalid_request_error',
      'max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens',
    ],
    ['invalid_request_error', 'temperature: range: 0..1'],
    ['invalid_request_error', 'top_k: Extra inputs are not permitted'],
    [
      'invalid_request_error',
      "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required",
    ],
    ['INVALID_ARGUMENT', 'Invalid value at \'generation_config.temperature\' (TYPE_FLOAT), "hot"'],
    ['INVALID_ARGUMENT', 'Unknown name "topk" at \'safety_settings[0]\': Cannot find field.'],
    ['InvalidParameter', '<400> InternalError.Algo.InvalidParameter: Temperature should be in [0, 2)'],
    ['1211', '模型不存在，请检查模型代码。'],
    ['http_422', 'Input should be less than or equal to 2 for parameter temperature'],
  ])('%s: %s', (code, message) => {
    const end = failEight(() => refuse(message, code));
    expect(end.slice(0, 7)).toEqual(goesOn.slice(0, 7));
    const sentence = message.endsWith('.') ? message : `${message}.`;
    expect(end[7]).toBe(
      `The first 8 answers are the same refusal: ${sentence} It will be so for every row: change the model, or the setting that it names. No output is written.`,
    );
  });

  test('also where each names a request or a time of its own', () => {
    const end = failEight((call) => refuse(`Model Not Exist (request id: 2026112${call}-ab${call}9ffe0c1)`));
    expect(end[7]).toContain('the same refusal');
  });

  test('with the code and the status of the refusal', () => {
    const stop = createEarlyStop();
    const ends = Array.from({ length: 8 }, () => stop.noteFailure(refuse('Model Not Exist', 'gone', 422)));
    expect(ends[7]).toMatchObject({ scope: 'run', code: 'gone', status: 422 });
  });
});

describe('a refusal of prompts never ends a run', () => {
  test.each([
    ['content_policy_violation', 'The value of the prompt was rejected by the safety system of the model.'],
    [
      'invalid_prompt',
      'Invalid prompt: the model flagged your prompt as potentially violating our usage policy.',
    ],
    ['data_inspection_failed', 'Input data may contain inappropriate content for this model.'],
    ['invalid_request_error', 'Content Exists Risk'],
    ['content_filter', 'The model rejected the request because it was considered high risk'],
    ['1301', '系统检测到输入或生成内容可能包含不安全或敏感内容，模型不予回答'],
    ['403', 'The input to the model was flagged for "harassment".'],
    ['context_length_exceeded', "This model's maximum context length is 8192 tokens."],
    ['invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum for this model'],
    ['invalid_request_error', 'input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000'],
    [
      'INVALID_ARGUMENT',
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576) by the model.',
    ],
    ['InvalidParameter', 'Range of input length should be [1, 30720] for the model'],
    ['string_above_max_length', "Invalid 'messages[0].content': string too long for the field."],
    ['1261', 'Prompt 超长, 模型'],
    ['invalid_request_error', 'Not for us.'],
  ])('%s: %s', (code, message) => {
    expect(failEight(() => refuse(message, code))).toEqual(goesOn);
  });

  test('nor does one of their size', () => {
    expect(failEight(() => refuse('Request too large for model', 'tokens', 413))).toEqual(goesOn);
  });
});

describe('the run goes on', () => {
  const refusal = refuse('Model Not Exist');

  test('when one of the first eight was answered', () => {
    const stop = createEarlyStop();
    for (let call = 0; call < 7; call += 1) expect(stop.noteFailure(refusal)).toBeUndefined();
    stop.noteAnswer();
    for (let call = 0; call < 20; call += 1) expect(stop.noteFailure(refusal)).toBeUndefined();
  });

  test('when one of them was another refusal', () => {
    const stop = createEarlyStop();
    expect(stop.noteFailure(refuse('This prompt is too long.'))).toBeUndefined();
    for (let call = 0; call < 20; call += 1) expect(stop.noteFailure(refusal)).toBeUndefined();
  });

  test('but calls that got no answer are not among the eight', () => {
    const stop = createEarlyStop();
    expect(stop.noteFailure(new ProviderError('row', 'timeout', 'No answer came.'))).toBeUndefined();
    const ends = Array.from({ length: 8 }, () => stop.noteFailure(refusal));
    expect(ends[7]?.message).toContain('Model Not Exist');
  });
});

test('eight answers that can’t be read end the run, whatever stands in them', () => {
  const end = failEight(
    (call) => new ProviderError('row', 'unreadable', `The provider's answer can't be read: model ${call}.`),
  );
  expect(end).toEqual([
    ...goesOn.slice(0, 7),
    "None of the first 8 answers can be read, and each may have been paid for. The last: The provider's answer can't be read: model 7. No output is written.",
  ]);
});
