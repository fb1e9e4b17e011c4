// complete-lock.mjs: npm leaves programs for other platforms out of package-lock.json when it installs into an existing
// node_modules, or when the registry at hand does not carry them; `npm ci` then refuses the lock. This puts them back, by name,
// version and platform. Run it after every `npm install` (npm run lock); a test says when it was forgotten.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];
const otherNames = { windows: 'win32', armv7: 'arm', ppc64le: 'ppc64' };

/** Whether the package at `from` finds `name` on its way up, as Node.js would. */
function isThere(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules') - 1))) {
    if (lock.packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function entryOf(name, range, parent) {
  const words = name
    .split('/')
    .at(-1)
    .split(/[-.]/)
    .map(word => otherNames[word] ?? word);
  const os = systems.filter(system => words.includes(system));
  const cpu = processors.filter(processor => words.includes(processor));
  const libc = words.some(word => word.startsWith('musl')) ? ['musl'] : words.some(word => word.startsWith('gnu')) ? ['glibc'] : [];
  return {
    version: range.replace(/^[\^~]/, ''),
    ...(parent.dev && { dev: true }),
    optional: true,
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(libc.length > 0 && os.includes('linux') && { libc }),
  };
}

const added = [];
for (const [folder, parent] of Object.entries(lock.packages))
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {}))
    if (!isThere(folder, name)) {
      lock.packages[`node_modules/${name}`] = entryOf(name, range, parent);
      added.push(name);
    }
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, 'en'))]);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'package-lock.json is complete.\n' : `Added ${added.length} packages of other platforms.\n`);
