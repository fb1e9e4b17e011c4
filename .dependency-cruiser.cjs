// The arrows that may exist between rooms. Anything else is an error, and a test plants one to see it caught.
const rooms = ['domain', 'formats', 'store', 'workflows', 'activities', 'worker', 'client', 'local', 'bench', 'prove'];
const may = {
  domain: [],
  formats: ['domain'],
  store: ['domain'],
  activities: ['domain', 'formats', 'store', 'workflows/contract'],
  worker: ['domain', 'formats', 'activities', 'store', 'workflows/contract'],
  client: ['domain', 'formats', 'store', 'workflows/contract'],
};
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });
const others = (room, allowed) =>
  `^(${rooms.filter(other => other !== room && !allowed.includes(other) && !(other === 'workflows' && allowed.includes('workflows/contract'))).join('|')})/`;

module.exports = {
  forbidden: [
    ...Object.entries(may).map(([room, allowed]) =>
      rule(
        `${room}-stays-in-its-room`,
        { path: `^${room}/` },
        { path: others(room, allowed) },
        `${room} may only import: ${allowed.join(', ') || 'nothing of ours'}`,
      ),
    ),
    rule(
      'only-the-contract',
      { path: '^(activities|worker|client)/' },
      { path: '^workflows/', pathNot: '^workflows/contract/' },
      'Workflow code is reached by path or through its contract',
    ),
    rule(
      'workflows-stay-pure',
      { path: '^workflows/' },
      { path: '^(store|activities|worker|client|local|formats)/' },
      'Workflows see domain and their own contract only',
    ),
    rule(
      'nobody-imports-local',
      { path: '^(domain|formats|store|workflows|activities|worker|client/(?!cli/))' },
      { path: '^local/' },
      'local/ is for its own commands and tests',
    ),
    rule('no-node-in-workflows', { path: '^workflows/' }, { dependencyTypes: ['core'] }, 'The workflow sandbox has no node core'),
    rule('no-node-in-domain', { path: '^domain/' }, { dependencyTypes: ['core'] }, 'The rules read no clock, file or socket'),
    rule('no-cycles', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }, 'A cycle hides who decides'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
