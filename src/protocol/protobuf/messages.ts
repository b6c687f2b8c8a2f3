/**
 * Protobuf messages of the specification to and from their ProtoJSON. Heavy to load, so that only what speaks protobuf
 * imports it, when it starts.
 */
import { createFileRegistry, type DescMessage, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { AppError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { MAX_JSON_DEPTH } from '../storable.ts';
import { invalidParams } from '../violations.ts';
import { FILE_DESCRIPTOR_SET } from './descriptors.ts';
import { findUnwritable } from './unwritable.ts';

const fileSet = fromBinary(FileDescriptorSetSchema, Buffer.from(FILE_DESCRIPTOR_SET, 'base64'));

/** Every file, message and service below `protos/`. */
export const registry = createFileRegistry(fileSet);

/** The same files, encoded one by one, by their names: for server reflection. */
export const encodedFiles: ReadonlyMap<string, Uint8Array> = new Map(
  fileSet.file.map((file) => [file.name, toBinary(FileDescriptorProtoSchema, file)]),
);

/** A level of JSON is up to three messages of google.protobuf.Struct; the protocol's own are around them. */
export const RECURSION_LIMIT = MAX_JSON_DEPTH * 3 + 20;

/** Throws INTERNAL for a name that is not below `protos/`: a mistake in our own tables. */
export function messageType(name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new AppError('INTERNAL', 'Internal error', { detail: `no protobuf message ${name}` });
  return found;
}

/**
 * The ProtoJSON of an encoded message. Unknown fields are dropped, as a newer client's; enum values without a name stay
 * numbers, for the schemas to refuse.
 *
 * @throws AppError PARSE_ERROR for bytes that are no such message, INVALID_PARAMS for values that JSON has no form of.
 */
export function jsonOf(type: DescMessage, bytes: Uint8Array): JsonValue {
  const message = decoded(type, bytes);
  const violations = findUnwritable(type, message);
  if (violations.length > 0) throw invalidParams(violations);
  try {
    return toJson(type, message, { registry });
  } catch (cause) {
    throw invalidMessage(type, cause);
  }
}

function decoded(type: DescMessage, bytes: Uint8Array): ReturnType<typeof fromBinary> {
  try {
    return fromBinary(type, bytes, { readUnknownFields: false, recursionLimit: RECURSION_LIMIT });
  } catch (cause) {
    throw invalidMessage(type, cause);
  }
}

function invalidMessage(type: DescMessage, cause: unknown): AppError {
  const description = `is not a valid ${type.typeName}`;
  return new AppError('PARSE_ERROR', `The message ${description}`, {
    cause,
    violations: [{ field: 'body', description }],
  });
}

/** The encoded message of a ProtoJSON value of ours. Throws INTERNAL: we wrote what does not fit. */
export function bytesOf(type: DescMessage, json: JsonValue): Uint8Array {
  try {
    return toBinary(type, fromJson(type, json, { ignoreUnknownFields: true, registry }));
  } catch (cause) {
    throw new AppError('INTERNAL', 'Internal error', { cause, detail: `no valid ${type.typeName} could be made` });
  }
}
