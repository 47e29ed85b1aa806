/**
 * The types of the library in one file that needs nothing but TypeScript's own: no package, and no types of Node.js. Each
 * declaration that src/index.ts exports is taken as the compiler emitted it, with all that it names. What is inferred from
 * a shape or a schema of zod is written out, and a schema described as what it is good for. Anything else from outside ends the build.
 *
 * The compiler is asked through its API, which may change with each version of it; the version is exact.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import {
  getTokenPosOfNode,
  isIdentifier,
  isImportTypeNode,
  isInterfaceDeclaration,
  isSourceFile,
  isTypeAliasDeclaration,
  isVariableDeclaration,
} from 'typescript/unstable/ast';
import { API, NodeBuilderFlags, SignatureKind, SymbolFlags } from 'typescript/unstable/sync';

/** zod's own types don't pass a strict compiler. */
const schemaType = `/** A shape that is known at run time too, made with zod: \`parse\` throws where a value does not have it. */
export interface Schema<Value> {
  parse(value: unknown): Value;
  safeParse(value: unknown): { success: true; data: Value } | { success: false; error: Error };
}`;

/** As strict as a program of others may be, and with nothing of Node.js. */
const compilerOptions = {
  strict: true,
  target: 'es2022',
  module: 'nodenext',
  noEmit: true,
  types: [],
};

/** The declarations of the emitted file `entry`, and all that they need, as the text of one file. */
export function joinDeclarations(entry) {
  const folder = dirname(resolve(entry));
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [resolve(entry)] }));
  const api = new API();
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    return joinWith(project, resolve(entry), folder);
  } finally {
    api.close();
  }
}

function joinWith({ program, checker }, entry, folder) {
  const index = checker.getSymbolAtLocation(program.getSourceFile(entry));
  const exported = new Map(
    checker.getExportsOfModule(index).map((symbol) => [openAlias(symbol), symbol.name]),
  );
  const names = new Map(exported);
  const taken = new Set([...exported.values(), 'Schema']);
  const waiting = [...exported.keys()];
  const texts = [schemaType];
  for (const symbol of waiting) texts.push(...nodesOf(symbol).map((node) => declare(symbol, node)));
  return `${texts.join('\n\n')}\n\nexport {};\n`;

  function openAlias(symbol) {
    return symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  }

  function nodesOf(symbol) {
    return symbol.declarations.map((handle) => handle.resolve());
  }

  /** The name of a declaration in the file: its own, unless another has it already. */
  function nameOf(symbol) {
    if (!names.has(symbol)) {
      let name = symbol.name;
      for (let number = 2; taken.has(name); number++) name = `${symbol.name}${number}`;
      taken.add(name);
      names.set(symbol, name);
      waiting.push(symbol);
    }
    return names.get(symbol);
  }

  function declare(symbol, node) {
    const statement = statementOf(node);
    const { text } = statement.getSourceFile();
    const start = startOf(statement);
    const comment = text.slice(startOf(statement, true), start).trimEnd();
    const words = isInferred(node)
      ? describeSchema(symbol, node)
      : rename(node, text.slice(start, statement.end));
    const isValue = !isInterfaceDeclaration(node) && !isTypeAliasDeclaration(node);
    const declared = words.replace(/^(?:export )?(?:declare )?/, isValue ? 'declare ' : '');
    return `${comment && `${comment}\n`}${exported.has(symbol) ? 'export ' : ''}${declared}`;
  }

  /** The text of a declaration, with the names that those it refers to have in the file. */
  function rename(node, text) {
    const offset = startOf(statementOf(node));
    const edits = [];
    visit(node);
    return edits.reduceRight(
      (text, { from, to, name }) => text.slice(0, from - offset) + name + text.slice(to - offset),
      text,
    );

    function visit(part) {
      if (isImportTypeNode(part)) {
        edits.push({ from: startOf(part), to: part.qualifier.end, name: nameOf(find(part.qualifier)) });
        part.typeArguments?.forEach(visit);
      } else if (isIdentifier(part)) {
        const symbol = find(part);
        if (isOwn(symbol)) edits.push({ from: startOf(part), to: part.end, name: nameOf(symbol) });
      } else part.forEachChild(visit);
    }
  }

  /** What an identifier stands for: a declaration of ours, a part of one, or something of TypeScript's. */
  function find(identifier) {
    const symbol = checker.getSymbolAtLocation(identifier);
    const opened = symbol && openAlias(symbol);
    if (opened && !checker.isUnknownSymbol(opened) && nodesOf(opened).some((node) => !isForeign(node)))
      return opened;
    const place = relative(folder, identifier.getSourceFile().fileName);
    throw new Error(`The types of the library name ${identifier.text} (${place}), which needs a package.`);
  }

  function isForeign(node) {
    const file = node.getSourceFile();
    return !program.isSourceFileDefaultLibrary(file) && !file.fileName.startsWith(folder);
  }

  function isOwn(symbol) {
    return nodesOf(symbol).some(
      (node) => !isWithin(node) && node.getSourceFile().fileName.startsWith(folder),
    );
  }

  function isInferred(part) {
    if (!isIdentifier(part)) return part.forEachChild((child) => isInferred(child) || undefined) ?? false;
    const symbol = checker.getSymbolAtLocation(part);
    const nodes = symbol ? nodesOf(openAlias(symbol)) : [];
    return nodes.some((node) =>
      /[\\/](node_modules[\\/]zod[\\/]|core[\\/]shapes[\\/]shapes\.)/.test(node.getSourceFile().fileName),
    );
  }

  /** A schema, or what is inferred from one. */
  function describeSchema(symbol, node) {
    if (!isVariableDeclaration(node))
      return `type ${nameOf(symbol)} = ${spell(checker.getDeclaredTypeOfSymbol(symbol), node)};`;
    const parse = checker.getPropertyOfType(checker.getTypeOfSymbol(symbol), 'parse');
    const [call] = checker.getSignaturesOfType(checker.getTypeOfSymbol(parse), SignatureKind.Call);
    const value = spell(checker.getReturnTypeOfSignature(call), node);
    return `const ${nameOf(symbol)}: Schema<${value}>;`;
  }

  /** What a type is made of, down to types with a name of ours. */
  function spell(type, node) {
    const flags =
      NodeBuilderFlags.NoTruncation | NodeBuilderFlags.InTypeAlias | NodeBuilderFlags.MultilineObjectLiterals;
    const { fileName } = node.getSourceFile();
    return checker
      .typeToString(type, node, flags)
      .replaceAll(
        /(?:import\("([^"]+)"\)\.)?\b([A-Z]\w*)\b(?=[^'"]*(?:(?:["'][^'"]*){2})*$)/g,
        (_, path, name) => {
          const symbol = path
            ? findExport(resolve(dirname(fileName), path.replace(/\.[jt]s$/, '.d.ts')), name)
            : checker.resolveName(name, SymbolFlags.Type, node);
          if (symbol && nodesOf(symbol).some((node) => !isForeign(node)))
            return isOwn(symbol) ? nameOf(symbol) : name;
          throw new Error(
            `The types of the library name ${name} in a schema (${relative(folder, fileName)}).`,
          );
        },
      );
  }

  function findExport(path, name) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(path));
    return openAlias(checker.getMemberInModuleExports(module, name));
  }
}

function statementOf(node) {
  return isVariableDeclaration(node) ? node.parent.parent : node;
}

/** Whether a declaration is a part of another: a property, a parameter. */
function isWithin(node) {
  return !isSourceFile(statementOf(node).parent);
}

function startOf(node, withComment = false) {
  return getTokenPosOfNode(node, node.getSourceFile(), withComment);
}
