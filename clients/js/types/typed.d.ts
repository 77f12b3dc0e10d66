export function typed(text: string): string;
