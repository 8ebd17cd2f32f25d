#!/usr/bin/env node
import "../dist/goldens-main.js";
