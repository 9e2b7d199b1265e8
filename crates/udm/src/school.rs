//! What UCS@school keeps in DNs, object classes and role strings (udm-ldap.md 4).
