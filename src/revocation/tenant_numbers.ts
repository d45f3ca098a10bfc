/** Numbers that stand for tenants, for as long as something is held of them. */
export class TenantNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** The number of the tenant, which is in use once more. */
  take(tenantId: string): number {
    const number = this.#numbers.get(tenantId) ?? this.#add(tenantId);
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    return number;
  }

  /** The number is in use once less; of no use, it is another tenant's in time. */
  release(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#numbers.delete(this.tenantId(number));
    this.#names[number] = '';
    this.#free.push(number);
  }

  tenantId(number: number): string {
    return this.#names[number] ?? '';
  }

  #add(tenantId: string): number {
    const number = this.#free.pop() ?? this.#names.length;
    this.#numbers.set(tenantId, number);
    this.#names[number] = tenantId;
    return number;
  }
}
