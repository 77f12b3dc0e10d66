/**
 * @template {object} Events
 */
export class Emitter<Events extends object> {
    /**
     * Calls `act` with the body of every such event. Gives a function that ends it.
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {(body: Events[Name]) => void} act
     * @returns {() => void}
     */
    on<Name extends keyof Events>(name: Name, act: (body: Events[Name]) => void): () => void;
    /**
     * Calls `act` with the next such event alone.
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {(body: Events[Name]) => void} act
     * @returns {() => void}
     */
    once<Name extends keyof Events>(name: Name, act: (body: Events[Name]) => void): () => void;
    /**
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {(body: Events[Name]) => void} act
     */
    off<Name extends keyof Events>(name: Name, act: (body: Events[Name]) => void): void;
    /**
     * Tells everybody who listens. A listener that throws stops nothing here; its fault surfaces as an uncaught
     * one, as in any other callback.
     * @template {keyof Events} Name
     * @param {Name} name
     * @param {Events[Name]} body
     */
    emit<Name extends keyof Events>(name: Name, body: Events[Name]): void;
    #private;
}
