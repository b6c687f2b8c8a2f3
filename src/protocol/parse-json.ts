/** JSON text that a caller sent, parsed. */
import { AppError, type FieldViolation } from './errors.ts';

/** @throws AppError PARSE_ERROR with these violations, where the text is no JSON. */
export function parseJson(text: string, violations: readonly FieldViolation[] = []): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the body, which may hold secrets: only the position is passed on.
    const position = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined;
    const message = `Invalid JSON payload${position === undefined ? '' : ` ${position}`}`;
    throw new AppError('PARSE_ERROR', message, { violations });
  }
}
