// What changed from one schema to another, both files: they are too long for arguments. Prints [{path, type, criticality}].
import { readFileSync } from "node:fs";
import { diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const { before, after } = JSON.parse(process.argv[2]);
const read = (file) => buildSchema(readFileSync(file, "utf8"));
const changes = await diff(read(before), read(after));
console.log(JSON.stringify(changes.map(({ path, type, criticality }) => ({ path, type, criticality: criticality.level }))));
