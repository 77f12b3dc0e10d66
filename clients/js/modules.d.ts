// What the package uses of others, as far as it uses it: its types can be checked and written without them.

declare module 'socket.io-client' {
  export function io(url: string, options: object): any;
}

declare module 'node:fs/promises' {
  export function mkdir(folder: string, options: { recursive: boolean }): Promise<unknown>;
  export function open(path: string, flags: string, mode: number): Promise<{ writeFile(text: string): Promise<void>, sync(): Promise<void>, close(): Promise<void> }>;
  export function readFile(path: string, encoding: 'utf8'): Promise<string>;
  export function readdir(folder: string): Promise<string[]>;
  export function rename(from: string, to: string): Promise<void>;
  export function rm(path: string, options: { force: boolean }): Promise<void>;
}

declare module 'node:crypto' {
  export function createHash(name: string): { update(text: string): { digest(form: 'hex'): string } };
}

declare module 'node:path' {
  export function join(...parts: string[]): string;
}
