/** How many values a message holds, told without making them: decoding holds up everybody, where a message is made for it. */
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Messages that make up JSON values; what counts of them are the values alone. */
const JSON_TYPES: ReadonlySet<string> = new Set([
  'google.protobuf.Value',
  'google.protobuf.Struct',
  'google.protobuf.ListValue',
]);

interface Walk {
  readonly reader: BinaryReader;
  readonly maxValues: number;
  readonly maxDepth: number;
  count: number;
}

/**
 * Whether there are more fields, and values inside of JSON, than `maxValues`. What is nested deeper than `maxDepth` or is
 * no such message is left to the decoder, which refuses it.
 */
export function holdsMoreThan(type: DescMessage, bytes: Uint8Array, maxValues: number, maxDepth: number): boolean {
  const walk: Walk = { reader: new BinaryReader(bytes), maxValues, maxDepth, count: 0 };
  try {
    visit(type, bytes.length, 0, walk);
  } catch {
    // Not a message. What was read of it until then counts.
  }
  return walk.count > maxValues;
}

function visit(type: DescMessage, end: number, depth: number, walk: Walk): void {
  const { reader } = walk;
  const isJson = JSON_TYPES.has(type.typeName);
  while (reader.pos < end && walk.count <= walk.maxValues) {
    const [number, wireType] = reader.tag();
    const field = fieldsOf(type).get(number);
    if (!isJson || field?.message?.typeName === 'google.protobuf.Value') walk.count++;
    if (field?.message === undefined || wireType !== WireType.LengthDelimited || depth >= walk.maxDepth) {
      reader.skip(wireType, number);
      continue;
    }
    const innerEnd = reader.uint32() + reader.pos;
    if (field.fieldKind === 'map') visitEntry(field.message, innerEnd, depth + 1, walk);
    else visit(field.message, innerEnd, depth + 1, walk);
  }
}

/** An entry of a map is a message of its own: the key, then the value. */
function visitEntry(valueType: DescMessage, end: number, depth: number, walk: Walk): void {
  const { reader } = walk;
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (number === 2 && wireType === WireType.LengthDelimited) {
      visit(valueType, reader.uint32() + reader.pos, depth + 1, walk);
    } else reader.skip(wireType, number);
  }
}

const fieldMaps = new WeakMap<DescMessage, Map<number, DescField>>();

function fieldsOf(type: DescMessage): Map<number, DescField> {
  let fields = fieldMaps.get(type);
  if (fields === undefined) fieldMaps.set(type, (fields = new Map(type.fields.map((field) => [field.number, field]))));
  return fields;
}
