/** What the schema of the configuration is made of. */
import { z } from 'zod';
import { type KeyMeta, keyMeta } from './keys.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

export function key<T extends z.ZodType>(type: T, description: string, meta: Omit<KeyMeta, 'description'> = {}): T {
  keyMeta.add(type, { ...meta, description });
  return type;
}

export const integer = (min: number, max: number) => z.int().min(min).max(max);

/** Text that `problemOf` finds nothing wrong with; its answer is the end of "must ...". */
export const text = (problemOf?: (value: string) => string | undefined) =>
  z
    .string()
    .min(1)
    .superRefine((value, context) => {
      const problem = problemOf?.(value);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    });

export const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);
