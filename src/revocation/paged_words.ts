const PAGE_BITS = 13;
const PAGE_WORDS = 2 ** PAGE_BITS;

/**
 * Words of 32 bits, any number of them. In one array they would be copied when there are more, and what is left behind
 * makes V8 collect all garbage in one go, again and again (400 ms each beside a heap of 200 MB).
 */
export class PagedWords {
  readonly #pages: Int32Array[] = [];

  get(at: number): number {
    return (this.#pages[at >>> PAGE_BITS] as Int32Array)[at & (PAGE_WORDS - 1)] as number;
  }

  /** Of a number beyond 32 bits the lowest are taken. */
  set(at: number, word: number): void {
    (this.#pages[at >>> PAGE_BITS] as Int32Array)[at & (PAGE_WORDS - 1)] = word;
  }

  /** Makes room for so many; what is beyond may be gone. */
  resize(words: number): void {
    const pages = Math.ceil(words / PAGE_WORDS);
    while (this.#pages.length < pages) this.#pages.push(new Int32Array(PAGE_WORDS));
    if (this.#pages.length > pages) this.#pages.length = pages;
  }
}
