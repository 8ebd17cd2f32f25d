#!/usr/bin/env node
import "../dist/schema-suite-main.js";
