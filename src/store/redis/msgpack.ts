export type Packed = number | string | null | readonly Packed[];

/**
 * What scripts pack with cmsgpack: arrays of numbers, texts, booleans and arrays (MessagePack specification, "Formats").
 * As in a reply of Redis false is null and true is 1. Throws a TypeError where the bytes are something else.
 */
export function unpack(bytes: Buffer): Packed {
  return new Unpacker(bytes).next();
}

class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): Packed {
    const format = this.#unsigned(1);
    if (format < 0x80) return format;
    if (format >= 0xe0) return format - 0x100;
    if (format >= 0x90 && format < 0xa0) return this.#list(format & 0x0f);
    if (format >= 0xa0 && format < 0xc0) return this.#text(format & 0x1f);
    switch (format) {
      case 0xc0:
      case 0xc2:
        return null;
      case 0xc3:
        return 1;
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#skip(8));
      case 0xca:
        return this.#bytes.readFloatBE(this.#skip(4));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (format - 0xcc));
      case 0xcf:
        return this.#unsigned(4) * 2 ** 32 + this.#unsigned(4);
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.#signed(1 << (format - 0xd0));
      case 0xd3:
        return this.#signed(4) * 2 ** 32 + this.#unsigned(4);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << (format - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#unsigned(2 << (format - 0xdc)));
      default:
        throw new TypeError('the script packed something that is not known');
    }
  }

  #list(length: number): readonly Packed[] {
    const items: Packed[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.next());
    return items;
  }

  #text(length: number): string {
    const start = this.#skip(length);
    return length === 0 ? '' : this.#bytes.toString('utf8', start, this.#at);
  }

  #unsigned(length: number): number {
    return this.#bytes.readUIntBE(this.#skip(length), length);
  }

  #signed(length: number): number {
    return this.#bytes.readIntBE(this.#skip(length), length);
  }

  /** Where what is passed over begins. */
  #skip(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new TypeError('the script packed less than it said');
    return start;
  }
}
