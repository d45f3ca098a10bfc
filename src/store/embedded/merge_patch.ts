type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** Applies a JSON merge patch (RFC 7396, section 2); both are JSON objects as text. */
export function mergePatch(target: string, patch: string): string {
  return JSON.stringify(merge(JSON.parse(target) as JsonValue, JSON.parse(patch) as JsonValue));
}

function merge(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merge(members.get(name) ?? null, value));
  }
  // fromEntries defines members: one named __proto__ stays a member.
  return Object.fromEntries(members);
}

function isObject(value: JsonValue): value is { [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
