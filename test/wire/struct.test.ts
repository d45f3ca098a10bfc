import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Struct, Struct__Output } from '../../src/wire/gen/google/protobuf/Struct.ts';
import type { Value__Output } from '../../src/wire/gen/google/protobuf/Value.ts';
import { loadSessionService } from '../../src/wire/loader.ts';
import { jsonToStruct, StructFault, structToJson, structToObject, uncheckedToStruct } from '../../src/wire/struct.ts';

const { CreateSession } = loadSessionService();
const DEPTH = 16;

/** As it arrives at the other end. */
function overTheWire(struct: Struct): Struct__Output {
  const { data } = CreateSession.requestDeserialize(CreateSession.requestSerialize({ data: struct }));
  assert(data !== null);
  return data;
}

/** Objects that JSON and a double hold: without -0, which JSON writes as 0, and integers beyond 2^53. */
const jsonObjects = fc.dictionary(
  fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', '', '0', '10', '9')),
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'grapheme' }),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((n) => (Number.isInteger(n) && !Number.isSafeInteger(n) ? n % 1e6 : n) + 0),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value,
  { maxKeys: 6 },
);

describe('structToJson and jsonToStruct', () => {
  it("are each other's inverse, over the wire", () => {
    fc.assert(
      fc.property(jsonObjects, (object) => {
        const text = structToJson(overTheWire(jsonToStruct(object)), DEPTH);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(object)));
        assert.equal(structToJson(overTheWire(jsonToStruct(JSON.parse(text) as Record<string, unknown>)), DEPTH), text);
      }),
      { numRuns: 2000 },
    );
  });

  it('give equal texts for equal objects, whatever the order of their members', () => {
    fc.assert(
      fc.property(jsonObjects, (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        assert.equal(
          structToJson(overTheWire(jsonToStruct(reversed)), DEPTH),
          structToJson(overTheWire(jsonToStruct(object)), DEPTH),
        );
      }),
    );
    const text = structToJson(overTheWire(jsonToStruct({ b: { d: 1, c: 2 }, a: [{ z: 1, y: 2 }], A: 1 })), DEPTH);
    assert.equal(text, '{"A":1,"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}');
  });

  it('keep a member named __proto__ a member', () => {
    const hostile = JSON.parse('{"__proto__":{"admin":true},"x":{"__proto__":1}}') as Record<string, unknown>;
    const text = structToJson(overTheWire(jsonToStruct(hostile)), DEPTH);
    assert.equal(text, '{"__proto__":{"admin":true},"x":{"__proto__":1}}');
    assert.equal(Object.hasOwn(jsonToStruct(hostile).fields ?? {}, '__proto__'), true);
    assert.equal('admin' in {}, false);
  });

  const refuses = (fields: Record<string, Value__Output>, message: RegExp) => {
    assert.throws(
      () => structToJson({ fields }, DEPTH),
      (error) => error instanceof StructFault && message.test(error.message),
    );
  };

  it('refuse numbers that JSON has not, or that a double has rounded', () => {
    for (const numberValue of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      refuses({ a: { kind: 'numberValue', numberValue } }, /NaN or an infinite number/);
    }
    for (const numberValue of [2 ** 53, -(2 ** 53), 2 ** 60, Number.MAX_VALUE]) {
      refuses(
        { a: { kind: 'listValue', listValue: { values: [{ kind: 'numberValue', numberValue }] } } },
        /beyond 2\^53/,
      );
    }
    assert.equal(
      structToJson(overTheWire(jsonToStruct({ a: Number.MAX_SAFE_INTEGER, b: -0, c: 0.1 })), DEPTH),
      '{"a":9007199254740991,"b":0,"c":0.1}',
    );
  });

  it('refuse a value of no kind', () => {
    refuses({ a: {} }, /no kind/);
    refuses({ a: { kind: 'structValue', structValue: { fields: { b: {} } } } }, /no kind/);
  });

  it('count objects and lists towards the depth alike', () => {
    for (const [object, depth] of [
      [{}, 1],
      [{ a: 1 }, 1],
      [{ a: {} }, 2],
      [{ a: [] }, 2],
      [{ a: [1, { b: [2] }] }, 4],
    ] as const) {
      const struct = overTheWire(jsonToStruct(object));
      assert.equal(structToJson(struct, depth), JSON.stringify(object));
      assert.throws(() => structToJson(struct, depth - 1), StructFault);
    }
  });

  it('say why without what', () => {
    for (const fields of [{ c4n4ry: {} }, { c4n4ry: { kind: 'numberValue', numberValue: 2 ** 60 } }] as Record<
      string,
      Value__Output
    >[]) {
      assert.throws(
        () => structToJson({ fields }, DEPTH),
        (error) => error instanceof StructFault && !/c4n4ry|115292/.test(error.message),
      );
    }
  });
});

describe('uncheckedToStruct and structToObject', () => {
  it("are each other's inverse, over the wire", () => {
    fc.assert(
      fc.property(jsonObjects, (object) => {
        const read = structToObject(overTheWire(uncheckedToStruct(object, DEPTH)), DEPTH);
        assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(object)));
      }),
      { numRuns: 2000 },
    );
  });

  it('leave out what is undefined, as JSON does', () => {
    assert.deepEqual(uncheckedToStruct({ a: undefined, b: 1 }, DEPTH), jsonToStruct({ b: 1 }));
  });

  it('take plain objects, with or without a prototype', () => {
    const bare = Object.assign(Object.create(null) as Record<string, unknown>, { a: { b: [] } });
    assert.deepEqual(uncheckedToStruct(bare, DEPTH), jsonToStruct({ a: { b: [] } }));
  });

  it('refuse what JSON or a double cannot hold, and what is nested without end', () => {
    const endless: Record<string, unknown> = {};
    endless['a'] = [endless];
    const values: readonly unknown[] = [
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      2 ** 53,
      1n,
      () => 1,
      Symbol('x'),
      new Date(),
      new Map(),
      Buffer.from('x'),
      new (class {
        a = 1;
      })(),
      [undefined],
      Array(1),
      endless,
    ];
    for (const value of values) {
      for (const object of [{ value }, { list: [[value]] }, { a: { b: value } }]) {
        assert.throws(() => uncheckedToStruct(object, DEPTH), StructFault, String(value));
      }
    }
    for (const object of [[], null, 'x', new Date(), 1]) {
      assert.throws(() => uncheckedToStruct(object, DEPTH), StructFault);
    }
  });

  it('count levels as structToJson does', () => {
    for (const leaf of [{}, []]) {
      let object: Record<string, unknown> = { leaf };
      for (let depth = 2; depth < 20; depth += 1) {
        const at = (max: number) => [
          faultOf(() => uncheckedToStruct(object, max)),
          faultOf(() => structToJson(overTheWire(jsonToStruct(object)), max)),
        ];
        assert.deepEqual(at(depth), [false, false]);
        assert.deepEqual(at(depth - 1), [true, true]);
        object = depth % 2 === 0 ? { object } : { ...object, leaf: { ...object } };
      }
    }
  });
});

function faultOf(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof StructFault) return true;
    throw error;
  }
}
