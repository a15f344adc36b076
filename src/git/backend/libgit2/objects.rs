//! Objects by libgit2, which knows nothing of promisor remotes: what is missing is missing.

use git2::{ErrorCode, ObjectType, OdbLookupFlags};

use super::Libgit2;
use crate::git::backend::Objects;
use crate::git::batch::PendingObject;
use crate::git::object_format::ObjectFormat;
use crate::git::{Error, ObjectHeader, ObjectKind, Oid, Result};

impl Objects for Libgit2 {
    fn format(&self) -> ObjectFormat {
        ObjectFormat::Sha1
    }

    fn header(&self, oid: Oid) -> Result<ObjectHeader> {
        let (size, kind) = self.odb()?.read_header(oid.to_git()?).map_err(read_error(oid))?;
        let damaged = || Error::Damaged { oid, reason: "unknown kind of object".to_owned() };
        Ok(ObjectHeader { kind: kind_of(kind).ok_or_else(damaged)?, size: size as u64 })
    }

    fn read(&self, oid: Oid) -> Result<Vec<u8>> {
        Ok(self.odb()?.read(oid.to_git()?).map_err(read_error(oid))?.data().to_vec())
    }

    fn exists(&self, oid: Oid) -> Result<bool> {
        Ok(self.odb()?.exists(oid.to_git()?))
    }

    fn renew(&self, objects: Vec<PendingObject>) -> Result<Vec<PendingObject>> {
        let odb = self.odb()?;
        let mut new = Vec::with_capacity(objects.len());
        for object in objects {
            if odb.exists_ext(object.oid.to_git()?, OdbLookupFlags::NO_REFRESH) {
                let kind = object.kind.to_git();
                odb.write(kind, &object.content).map_err(Error::git("write object", object.oid))?;
            } else {
                new.push(object);
            }
        }
        Ok(new)
    }

    fn refresh(&self) -> Result<()> {
        self.odb()?.refresh().map_err(Error::git("read the objects of", self.git.commondir().display()))
    }
}

impl Libgit2 {
    fn odb(&self) -> Result<git2::Odb<'_>> {
        self.git.odb().map_err(Error::git("open the objects of", self.git.commondir().display()))
    }
}

fn kind_of(kind: ObjectType) -> Option<ObjectKind> {
    match kind {
        ObjectType::Blob => Some(ObjectKind::Blob),
        ObjectType::Tree => Some(ObjectKind::Tree),
        ObjectType::Commit => Some(ObjectKind::Commit),
        ObjectType::Tag => Some(ObjectKind::Tag),
        ObjectType::Any => None,
    }
}

fn read_error(oid: Oid) -> impl Fn(git2::Error) -> Error {
    move |error| match error.code() {
        ErrorCode::NotFound => Error::Missing(oid),
        _ => Error::Damaged { oid, reason: error.message().to_owned() },
    }
}
