// @ts-check
/** Lint rules of this repository, for oxlint's `jsPlugins`. Which files they apply to is said in .oxlintrc.json. */

/** Objects whose named members bring in the time or chance. */
const ambient = /** @type {Record<string, readonly string[]>} */ ({
  Date: ['now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin'],
  process: ['hrtime', 'uptime'],
  crypto: ['randomUUID', 'getRandomValues', 'randomBytes', 'randomInt'],
});
const randomImports = new Set(['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'webcrypto']);
const remedy = 'the clock, randomness and ids come in as arguments here, so that tests can turn them';

/** Node of the syntax tree, as far as the rule looks at it. @typedef {any} AstNode */
/** @typedef {{ report: (problem: { node: AstNode, message: string }) => void }} RuleContext */

/** No Date.now(), no `new Date()` of now, no Math.random() and their like. */
const noAmbientTimeOrChance = {
  /** @param {RuleContext} context */
  create(context) {
    /** @param {AstNode} node @param {string} what */
    const report = (node, what) => context.report({ node, message: `${what}: ${remedy}` });
    return {
      /** @param {AstNode} node */
      MemberExpression(node) {
        const { object, property } = node;
        if (object.type !== 'Identifier') return;
        const name = node.computed ? property.value : property.name;
        if (Object.hasOwn(ambient, object.name) && ambient[object.name]?.includes(name))
          report(node, `${object.name}.${name}`);
      },
      /** @param {AstNode} node */
      NewExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0)
          report(node, 'new Date() without an argument');
      },
      /** @param {AstNode} node */
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date') report(node, 'Date()');
      },
      /** @param {AstNode} node */
      ImportDeclaration(node) {
        if (!/^(node:)?crypto$/.test(node.source.value)) return;
        for (const specifier of node.specifiers) {
          const name = specifier.imported?.name;
          if (randomImports.has(name)) report(specifier, `${name} of node:crypto`);
        }
      },
    };
  },
};

export default {
  meta: { name: 'parley' },
  rules: { 'no-ambient-time-or-chance': noAmbientTimeOrChance },
};
