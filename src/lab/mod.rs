//! A router tester in anonymous namespaces of this machine.
