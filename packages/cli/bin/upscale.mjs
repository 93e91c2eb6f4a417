#!/usr/bin/env node
// A file of its own, since package managers link it before dist/ is built.
import '../dist/main.mjs'
