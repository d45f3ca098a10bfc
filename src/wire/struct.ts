import type { Struct, Struct__Output } from './gen/google/protobuf/Struct.ts';
import type { Value, Value__Output } from './gen/google/protobuf/Value.ts';

/** Why a Struct is refused; says what is allowed, never what was sent. */
export class StructFault extends Error {}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * A Struct as canonical JSON text: members sorted, so that equal Structs give equal texts. Throws a
 * StructFault for numbers that JSON or a double cannot hold, and below `maxDepth` levels.
 */
export function structToJson(struct: Struct__Output, maxDepth: number): string {
  return JSON.stringify(objectOf(struct, maxDepth));
}

/** A JSON object as a Struct. */
export function jsonToStruct(object: Readonly<Record<string, unknown>>): Struct {
  const fields = Object.entries(object).map(([name, value]): [string, Value] => [name, valueOf(value as Json)]);
  // fromEntries defines members: one named __proto__ stays a member.
  return { fields: Object.fromEntries(fields) };
}

function objectOf({ fields }: Struct__Output, depth: number): Json {
  if (depth === 0) throw new StructFault('nested too deep');
  const names = Object.keys(fields).sort();
  return Object.fromEntries(names.map((name) => [name, jsonOf(fields[name], depth)]));
}

function jsonOf(value: Value__Output | undefined, depth: number): Json {
  switch (value?.kind) {
    case 'nullValue':
      return null;
    case 'boolValue':
      return value.boolValue ?? false;
    case 'numberValue':
      return numberOf(value.numberValue ?? 0);
    case 'stringValue':
      return value.stringValue ?? '';
    case 'structValue':
      return value.structValue ? objectOf(value.structValue, depth - 1) : {};
    case 'listValue':
      if (depth === 1) throw new StructFault('nested too deep');
      return (value.listValue?.values ?? []).map((item) => jsonOf(item, depth - 1));
    case undefined:
      throw new StructFault('holds a value of no kind');
  }
}

function numberOf(value: number): number {
  if (!Number.isFinite(value)) throw new StructFault('holds NaN or an infinite number, which JSON has not');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new StructFault('holds an integer beyond 2^53, which a double rounds; send it as a string');
  }
  return value;
}

function valueOf(value: Json): Value {
  if (value === null) return { nullValue: 'NULL_VALUE' };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (isList(value)) return { listValue: { values: value.map(valueOf) } };
  return { structValue: jsonToStruct(value) };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
