/**
 * The name of a file as it is stored and shown: no path, no character that is none, at most 200. Never a name on our disk. Browsers write
 * quotes and line ends in names of a form as %22, %0D and %0A, and nothing else.
 */
import { cutText } from '../domain/text.ts';

export function safeFilename(given: string): string {
  const name = (given.split(/[\\/]/).at(-1) ?? '').toWellFormed().replace(/%(?:22|0D|0A)/gi, '');
  const clean = name.replace(/[\u0000-\u001f\u007f"<>|:*?\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
  const dot = clean.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [clean.slice(0, dot), cutText(clean.slice(dot), 20)] : [clean, ''];
  return `${cutText(stem, 180) || 'file'}${extension}`;
}
