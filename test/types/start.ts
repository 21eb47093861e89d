/** The facade as its users have it. */
import { Catena } from "../../src/index.ts";

export const { start } = Catena;

export declare const submit: Catena["submit"];
