/** A map that is made when somebody first looks into it. */
export class LazyMap<K, V> implements ReadonlyMap<K, V> {
  #map: ReadonlyMap<K, V> | undefined;
  readonly #make: () => ReadonlyMap<K, V>;

  /** `make` is called once. */
  constructor(make: () => ReadonlyMap<K, V>) {
    this.#make = make;
  }

  get #made(): ReadonlyMap<K, V> {
    this.#map ??= this.#make();
    return this.#map;
  }

  get size(): number {
    return this.#made.size;
  }

  get(key: K): V | undefined {
    return this.#made.get(key);
  }

  has(key: K): boolean {
    return this.#made.has(key);
  }

  forEach(use: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    this.#made.forEach(use);
  }

  entries(): MapIterator<[K, V]> {
    return this.#made.entries();
  }

  keys(): MapIterator<K> {
    return this.#made.keys();
  }

  values(): MapIterator<V> {
    return this.#made.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#made.entries();
  }
}
