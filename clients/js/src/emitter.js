// Typed events: names and bodies are those of a type that the class is given.

/**
 * @template {object} Events
 */
export class Emitter {
  /** @type {Map<PropertyKey, Set<(body: any) => void>>} */
  #listeners = new Map();

  /**
   * Calls `act` with the body of every such event. Gives a function that ends it.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(body: Events[Name]) => void} act
   * @returns {() => void}
   */
  on(name, act) {
    const acts = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, acts.add(act));
    return () => this.off(name, act);
  }

  /**
   * Calls `act` with the next such event alone.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(body: Events[Name]) => void} act
   * @returns {() => void}
   */
  once(name, act) {
    const end = this.on(name, body => {
      end();
      act(body);
    });
    return end;
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(body: Events[Name]) => void} act
   */
  off(name, act) {
    this.#listeners.get(name)?.delete(act);
  }

  /**
   * Tells everybody who listens. A listener that throws stops nothing here; its fault surfaces as an uncaught
   * one, as in any other callback.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} body
   */
  emit(name, body) {
    for (const act of [...this.#listeners.get(name) ?? []]) {
      try {
        act(body);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }
}
