import { site } from './site.ts';

/** Black or white, whichever is read better on a colour (WCAG 2, relative luminance). */
export function textColorOn(color: string, host: HTMLElement): '#000' | '#fff' {
  host.style.color = color;
  const [red = 0, green = 0, blue = 0] = (/^rgba?\((.*)\)/.exec(site.getComputedStyle(host).color)?.[1] ?? '').split(/[\s,/]+/).map(Number);
  host.style.removeProperty('color');
  const [r = 0, g = 0, b = 0] = [red, green, blue].map(value =>
    value / 255 <= 0.03928 ? value / 3_294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (luminance + 0.05) ** 2 > 0.05 * 1.05 ? '#000' : '#fff';
}
