/** The first text of a message is found without parsing it, in whatever piece of JSON there is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginningOf, firstText } from './first-text.ts';

const messageOf = (...parts: object[]) =>
  JSON.stringify({ messageId: 'm', contextId: 'has "parts":[{"text":"no"}] in it', role: 'ROLE_USER', parts });

test('it is the text as it was written, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      expect(firstText(messageOf({ text }), 1000)).toBe(text);
    }),
  );
});

test('it is the first of several, and none where no part is a text', () => {
  expect(firstText(messageOf({ url: 'https://a.example' }, { text: 'second' }, { text: 'third' }), 100)).toBe('second');
  expect(firstText(messageOf({ url: 'https://a.example/"text":"no"' }), 100)).toBe('');
  expect(firstText('{"state":"TASK_STATE_WORKING","timestamp":"2030-01-01T00:00:00Z"}', 100)).toBe('');
  expect(firstText('', 100)).toBe('');
});

test('from JSON that is cut off anywhere it is a beginning of the text', () => {
  const text = 'a\\b "quoted" \n é \u{1f600} end';
  const json = messageOf({ text });
  for (let end = 0; end <= json.length; end++) {
    const found = firstText(json.slice(0, end), 1000);
    expect(text.startsWith(found)).toBe(true);
  }
  const escaped = json.replace('é', '\\u00e9');
  for (let end = 0; end <= escaped.length; end++) {
    expect(text.startsWith(firstText(escaped.slice(0, end), 1000))).toBe(true);
  }
});

test('is cut between characters', () => {
  expect(beginningOf('ab\u{1f600}c', 3)).toBe('ab');
  expect(beginningOf('ab\u{1f600}c', 4)).toBe('ab\u{1f600}');
  expect(beginningOf('ab', 4)).toBe('ab');
});
