// Writes what graphql-codegen's client preset makes of a schema and documents into a folder.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import { buildSchema, parse } from "graphql";

const { schema: file, documents, into, scalars } = JSON.parse(process.argv[2]);
const text = readFileSync(file, "utf8");
const files = await preset.buildGeneratesSection({
  baseOutputDir: into,
  schema: parse(text),
  schemaAst: buildSchema(text),
  documents: documents.map((document) => ({ rawSDL: document, document: parse(document), location: "documents.graphql" })),
  config: { scalars, strictScalars: true, useTypeImports: true },
  presetConfig: { fragmentMasking: false },
  plugins: [],
  pluginMap: {},
});
for (const each of files) {
  mkdirSync(dirname(each.filename), { recursive: true });
  writeFileSync(each.filename, await codegen(each));
}
console.log(JSON.stringify(files.map(({ filename }) => filename.slice(into.length))));
