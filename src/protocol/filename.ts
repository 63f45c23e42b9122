/** The name of a file as it is stored and shown: no path, no character that is none, at most 200. Never a name on our disk. */
import { cutText } from '../domain/text.ts';

export function safeFilename(given: string): string {
  const name = (given.split(/[\\/]/).at(-1) ?? '').toWellFormed();
  const clean = name.replace(/[\u0000-\u001f\u007f"<>|:*?\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
  const dot = clean.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [clean.slice(0, dot), cutText(clean.slice(dot), 20)] : [clean, ''];
  return `${cutText(stem, 180) || 'file'}${extension}`;
}
