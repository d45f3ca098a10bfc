import type { Struct, Struct__Output } from './gen/google/protobuf/Struct.ts';
import type { Value, Value__Output } from './gen/google/protobuf/Value.ts';

/** Objects and lists within each other, in what callers send. */
export const MAX_STRUCT_DEPTH = 16;

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

/** A Struct as an object, under the same conditions. */
export function structToObject(struct: Struct__Output, maxDepth: number): Record<string, unknown> {
  return objectOf(struct, maxDepth);
}

/** A JSON object as a Struct. */
export function jsonToStruct(object: Readonly<Record<string, unknown>>): Struct {
  const fields = Object.entries(object).map(([name, value]): [string, Value] => [name, valueOf(value as Json)]);
  // fromEntries defines members: one named __proto__ stays a member.
  return { fields: Object.fromEntries(fields) };
}

/**
 * The same for an object that nobody has checked. Members that are undefined are left out, as in JSON; throws a StructFault
 * for all else that JSON or a double cannot hold, and below `maxDepth` levels.
 */
export function uncheckedToStruct(object: unknown, maxDepth: number): Struct {
  if (!isPlainObject(object)) throw new StructFault('is not a plain object');
  if (maxDepth === 0) throw new StructFault('nested too deep');
  const members = Object.entries(object).filter(([, value]) => value !== undefined);
  const fields = members.map(([name, value]): [string, Value] => [name, uncheckedToValue(value, maxDepth)]);
  return { fields: Object.fromEntries(fields) };
}

function uncheckedToValue(value: unknown, depth: number): Value {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return valueOf(value);
  if (typeof value === 'number') return { numberValue: numberOf(value) };
  if (Array.isArray(value)) {
    if (depth === 1) throw new StructFault('nested too deep');
    // Not by map, which passes holes over.
    return { listValue: { values: Array.from(value, (item: unknown) => uncheckedToValue(item, depth - 1)) } };
  }
  if (isPlainObject(value)) return { structValue: uncheckedToStruct(value, depth - 1) };
  throw new StructFault('holds a value that JSON has not; send a time as a string or a number');
}

/** Not a Date or a Map, say, which would become an empty object. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function objectOf({ fields }: Struct__Output, depth: number): { [name: string]: Json } {
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
