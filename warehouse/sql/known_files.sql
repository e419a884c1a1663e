-- Every file that the catalog names, in any snapshot, relative to the data path.
WITH folders AS (
    SELECT DISTINCT t.table_id, s.path || t.path AS folder
    FROM __ducklake_metadata_lake.ducklake_table AS t
    JOIN __ducklake_metadata_lake.ducklake_schema AS s USING (schema_id)
),
files AS (
    SELECT table_id, path, path_is_relative FROM __ducklake_metadata_lake.ducklake_data_file
    UNION ALL
    SELECT table_id, path, path_is_relative FROM __ducklake_metadata_lake.ducklake_delete_file
)
SELECT CASE WHEN f.path_is_relative THEN folders.folder || f.path ELSE f.path END
FROM files AS f
JOIN folders USING (table_id)
UNION ALL
SELECT path FROM __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion
UNION ALL
SELECT path FROM images
