import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const bundled = new Map(); // package folder -> {title, text}, over the page and its workers

/** Rollup plugin: writes the licence of every bundled package into `LICENSES.txt` beside the bundle. */
export function licenses({ emit = false } = {}) {
  return {
    name: 'sloengine-licenses',
    generateBundle() {
      for (const id of this.getModuleIds()) remember(id);
      if (!emit) return;
      const sections = [...bundled.values()].sort((a, b) => a.title.localeCompare(b.title, 'en'));
      const source = sections.map(({ title, text }) => `${title}\n${'='.repeat(title.length)}\n\n${text}\n`).join('\n\n');
      this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source });
    },
  };
}

function remember(id) {
  const match = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
  if (!match || bundled.has(match[1])) return;
  const manifest = join(match[1], 'package.json');
  if (!existsSync(manifest)) return;
  const { name, version, license, author } = JSON.parse(readFileSync(manifest, 'utf8'));
  const file = readdirSync(dirname(manifest)).find((entry) => /^licen[cs]e/i.test(entry));
  const by = typeof author === 'string' ? author : author?.name;
  const text = file ? readFileSync(join(match[1], file), 'utf8').trim() : `${license}${by ? `, ${by}` : ''}`;
  bundled.set(match[1], { title: `${name} ${version} (${license})`, text });
}
