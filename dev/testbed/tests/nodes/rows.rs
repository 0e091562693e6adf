//! What stands in a database, as text.

use crate::database::connect;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Every row of every table of the schema, as text, in an order that does not change by itself.
pub(crate) async fn dump(url: &str) -> String {
    let client = connect(url).await;
    let mut dump = String::new();
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('cloakroom') AND relkind = 'r'";
    for table in texts(&client, &format!("{tables} ORDER BY 1")).await {
        dump.push_str(&table);
        for row in texts(&client, &format!("SELECT t::text FROM cloakroom.{table} t ORDER BY 1")).await {
            dump.push('\n');
            dump.push_str(&row);
        }
        dump.push('\n');
    }
    dump
}

/// The first column of what a statement finds.
pub(crate) async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).await.unwrap().into_iter();
    let rows = messages.filter_map(|message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None });
    rows.map(|row| row.get(0).unwrap_or("NULL").to_owned()).collect()
}
