/** From what a schema found wrong to the field violations that a caller reads. */
import type { z } from 'zod';
import { AppError, type FieldViolation } from './errors.ts';

export type PathKey = string | number;

/** The most violations that one answer lists. */
export const MAX_VIOLATIONS = 20;

/** `['message', 'parts', 0, 'text']` -> `message.parts[0].text`; the request itself is `params`. */
export function formatFieldPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text === '' ? 'params' : text;
}

/**
 * INVALID_PARAMS with each violation (at most {@link MAX_VIOLATIONS}); the message names the first, and how many more
 * there are.
 */
export function invalidParams(violations: readonly FieldViolation[]): AppError {
  const listed = violations.slice(0, MAX_VIOLATIONS);
  const first = listed[0];
  const where = first === undefined ? '' : `: ${first.field}: ${first.description}`;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return new AppError('INVALID_PARAMS', `Invalid parameters${where}${more}`, { violations: listed });
}

/** What zod found in `input`, each as one sentence about one field. */
export function violationsOf(issues: readonly z.core.$ZodIssue[], input: unknown): FieldViolation[] {
  return issues.slice(0, MAX_VIOLATIONS).map((issue) => ({
    field: formatFieldPath(issue.path),
    description: describeIssue(issue, valueAt(input, issue.path)),
  }));
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeWord(issue.expected)}, received ${received(value)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}; received ${received(value)}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}, received ${String(value)}`
        : issue.minimum === 1
          ? 'must not be empty'
          : `must have at least ${issue.minimum} ${unitOf(issue.origin)}`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at most ${issue.maximum}, received ${String(value)}`
        : `must have at most ${issue.maximum} ${unitOf(issue.origin)}`;
    case 'invalid_union':
      return 'has none of the allowed forms';
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  return origin === 'string' ? 'characters' : 'elements';
}

function typeWord(expected: string): string {
  return expected === 'int' ? 'integer' : expected;
}

/** A short name of what was sent; long strings are not echoed. */
function received(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`;
  if (typeof value === 'string' && value.length <= 40) return `string ${JSON.stringify(value)}`;
  return typeof value;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
