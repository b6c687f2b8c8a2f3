/** What the schema says about each key, read out of it once: the names, bounds and sentences that loader, CLI and docs share. */
import { z } from 'zod';

/** The facts about a key that a zod type cannot hold. */
export interface KeyMeta {
  /** One sentence or two, with the unit. */
  readonly description: string;
  /** The environment variable that sets it. */
  readonly env?: string;
  /** Shown as `********`, and settable through `<env>_FILE`. */
  readonly secret?: true;
  /** This key names a file whose content becomes the value of that other key. */
  readonly fileOf?: string;
  /** A path of the file system: relative ones are resolved against the working directory. */
  readonly isPath?: true;
  /** What the default is when it is worked out from other keys. */
  readonly derivedDefault?: string;
  /** What values are allowed, where the type does not say it. */
  readonly allowed?: string;
}

export const keyMeta = z.registry<KeyMeta>();

export type KeyKind = 'integer' | 'boolean' | 'enum' | 'text' | 'list';

export type KeyDefault = string | number | boolean | readonly string[] | undefined;

/** One leaf of the schema. */
export interface KeyInfo extends KeyMeta {
  /** Dotted path in the YAML file, such as `server.port`. */
  readonly path: string;
  readonly kind: KeyKind;
  /** What may be written there, as the end of the sentence "must be ...". */
  readonly allowed: string;
  /** `undefined`: not set, or worked out from other keys. */
  readonly defaultValue: KeyDefault;
}

/** Every leaf of `schema`, in its order. Throws when a leaf has no description: a mistake in the schema. */
export function listKeys(schema: z.ZodType, prefix = ''): KeyInfo[] {
  const { inner, defaultValue } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([name, child]) =>
      listKeys(child as z.ZodType, prefix === '' ? name : `${prefix}.${name}`),
    );
  }
  const meta = keyMeta.get(schema);
  if (meta === undefined) throw new Error(`configuration key ${prefix} has no description`);
  const { kind, allowed } = describeType(inner);
  return [{ ...meta, path: prefix, kind, allowed: meta.allowed ?? allowed, defaultValue }];
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; defaultValue: KeyDefault } {
  let inner = schema;
  let defaultValue: KeyDefault;
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      defaultValue = inner.def.defaultValue as KeyDefault;
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.out as z.ZodType;
    } else {
      return { inner, defaultValue };
    }
  }
}

function describeType(type: z.ZodType): { kind: KeyKind; allowed: string } {
  if (type instanceof z.ZodNumber) {
    return { kind: 'integer', allowed: `an integer from ${type.minValue} to ${type.maxValue}` };
  }
  if (type instanceof z.ZodBoolean) return { kind: 'boolean', allowed: 'true or false' };
  if (type instanceof z.ZodEnum) return { kind: 'enum', allowed: `one of ${type.options.join(', ')}` };
  if (type instanceof z.ZodArray) return { kind: 'list', allowed: 'a list of texts' };
  return { kind: 'text', allowed: 'text' };
}
