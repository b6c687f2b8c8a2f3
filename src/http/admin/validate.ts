/** From what a request holds to what its schema says, or an error that names each field. */
import type { z } from 'zod';
import type { FieldViolation } from '../../protocol/errors.ts';
import { formatFieldPath, invalidParams, violationsOf } from '../../protocol/violations.ts';

/** Throws INVALID_PARAMS with every violation; a field that the schema does not know is one. */
export function validate<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const unknown = parsed.error.issues.flatMap((issue): FieldViolation[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: formatFieldPath([...issue.path, key]), description: 'is no known field' }))
      : [],
  );
  const others = parsed.error.issues.filter(({ code }) => code !== 'unrecognized_keys');
  throw invalidParams([...violationsOf(others, input), ...unknown]);
}
