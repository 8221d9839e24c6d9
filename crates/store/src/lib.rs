//! Where tenants' configuration lives: sled or memory, sealed, fsynced, exportable.
